// W2: a mesh of SIZE × SIZE nodes under uniform random traffic, each a router, a generator and a sink; FIFOs
// of four slots. Ports are in the order north, east, south, west, local.
import "DPI-C" function void collect(
  input longint unsigned first,
  input longint unsigned second,
  input longint unsigned third
);

module generator #(
    parameter int SIZE,
    parameter int NUMBER,
    parameter int BITS
) (
    input  logic        clk,
    input  logic [31:0] threshold,
    input  logic [63:0] cycle,
    input  logic        has_room,
    output logic        push,
    output logic [63:0] packet
);
  localparam logic [63:0] FACTOR = 64'd6364136223846793005;
  localparam logic [63:0] ADDEND = 64'd1442695040888963407;
  localparam logic [63:0] OTHERS = 64'(SIZE * SIZE - 1);
  localparam logic [63:0] SOURCE = 64'(NUMBER) << BITS;

  logic [63:0] state = (64'(NUMBER) + 1) * 64'h9E3779B97F4A7C15;
  logic held = 0;
  logic [63:0] held_packet;

  // What is drawn in this cycle, if nothing is held.
  logic [63:0] drawn, choice, place, destination;
  logic makes;
  assign drawn = state * FACTOR + ADDEND;
  assign makes = !held & 32'(drawn[63:33]) < threshold;
  assign choice = drawn * FACTOR + ADDEND;
  assign place = (64'(choice[63:33]) * OTHERS) >> 31;
  assign destination = place >= 64'(NUMBER) ? place + 1 : place;

  assign packet = held ? held_packet : destination | SOURCE | cycle << (2 * BITS);
  assign push = has_room & (held | makes);

  always_ff @(posedge clk) begin
    if (!held) begin
      state <= makes ? choice : drawn;
      held_packet <= packet;
    end
    held <= !has_room & (held | makes);
  end
endmodule

module router #(
    parameter int SIZE,
    parameter int X,
    parameter int Y,
    parameter int BITS
) (
    input  logic        clk,
    // Inputs.
    input  logic        push_n, push_e, push_s, push_w, push_l,
    input  logic [63:0] in_n, in_e, in_s, in_w, in_l,
    output logic [4:0]  has_room,
    // Outputs.
    input  logic [4:0]  out_room,
    output logic [4:0]  out_push,
    output logic [63:0] out_n, out_e, out_s, out_w, out_l
);
  logic [4:0] ready, pop;
  logic [63:0] head_n, head_e, head_s, head_w, head_l;
  fifo4 north (.clk, .push(push_n), .in(in_n), .has_room(has_room[0]), .ready(ready[0]), .head(head_n), .pop(pop[0]));
  fifo4 east  (.clk, .push(push_e), .in(in_e), .has_room(has_room[1]), .ready(ready[1]), .head(head_e), .pop(pop[1]));
  fifo4 south (.clk, .push(push_s), .in(in_s), .has_room(has_room[2]), .ready(ready[2]), .head(head_s), .pop(pop[2]));
  fifo4 west  (.clk, .push(push_w), .in(in_w), .has_room(has_room[3]), .ready(ready[3]), .head(head_w), .pop(pop[3]));
  fifo4 local_in (.clk, .push(push_l), .in(in_l), .has_room(has_room[4]), .ready(ready[4]), .head(head_l), .pop(pop[4]));

  // The output a packet asks for, one bit each: x first.
  function automatic logic [4:0] route(input logic [BITS-1:0] destination);
    logic [BITS-1:0] x, y;
    x = destination % BITS'(SIZE);
    y = destination / BITS'(SIZE);
    if (x > BITS'(X)) return 5'b00010;
    if (x < BITS'(X)) return 5'b01000;
    if (y < BITS'(Y)) return 5'b00001;
    if (y > BITS'(Y)) return 5'b00100;
    return 5'b10000;
  endfunction

  // The first of `askers` in cyclic order from `pointer`, one bit.
  function automatic logic [4:0] first(input logic [4:0] askers, input logic [2:0] pointer);
    logic [4:0] behind;
    behind = askers & (5'b11111 << pointer);
    return behind != 0 ? behind & -behind : askers & -askers;
  endfunction

  function automatic logic [2:0] after(input logic [4:0] winner);
    case (winner)
      5'b00001: return 1;
      5'b00010: return 2;
      5'b00100: return 3;
      5'b01000: return 4;
      default: return 0;
    endcase
  endfunction

  logic [2:0] pointer_n, pointer_e, pointer_s, pointer_w, pointer_l;
  initial begin
    pointer_n = 0;
    pointer_e = 0;
    pointer_s = 0;
    pointer_w = 0;
    pointer_l = 0;
  end

  logic [4:0] ask_n, ask_e, ask_s, ask_w, ask_l;  // per input, the output asked for
  logic [4:0] grant_n, grant_e, grant_s, grant_w, grant_l;  // per output, the winner
  always_comb begin
    {grant_n, grant_e, grant_s, grant_w, grant_l} = 0;
    {ask_n, ask_e, ask_s, ask_w, ask_l} = 0;
    if (ready != 0) begin
      if (ready[0]) ask_n = route(head_n[BITS-1:0]);
      if (ready[1]) ask_e = route(head_e[BITS-1:0]);
      if (ready[2]) ask_s = route(head_s[BITS-1:0]);
      if (ready[3]) ask_w = route(head_w[BITS-1:0]);
      if (ready[4]) ask_l = route(head_l[BITS-1:0]);
      if (out_room[0]) grant_n = first({ask_l[0], ask_w[0], ask_s[0], ask_e[0], ask_n[0]}, pointer_n);
      if (out_room[1]) grant_e = first({ask_l[1], ask_w[1], ask_s[1], ask_e[1], ask_n[1]}, pointer_e);
      if (out_room[2]) grant_s = first({ask_l[2], ask_w[2], ask_s[2], ask_e[2], ask_n[2]}, pointer_s);
      if (out_room[3]) grant_w = first({ask_l[3], ask_w[3], ask_s[3], ask_e[3], ask_n[3]}, pointer_w);
      if (out_room[4]) grant_l = first({ask_l[4], ask_w[4], ask_s[4], ask_e[4], ask_n[4]}, pointer_l);
    end
  end
  assign pop = grant_n | grant_e | grant_s | grant_w | grant_l;
  assign out_push = {grant_l != 0, grant_w != 0, grant_s != 0, grant_e != 0, grant_n != 0};

  function automatic logic [63:0] select(input logic [4:0] winner);
    case (winner)
      5'b00001: return head_n;
      5'b00010: return head_e;
      5'b00100: return head_s;
      5'b01000: return head_w;
      default: return head_l;
    endcase
  endfunction
  assign out_n = select(grant_n);
  assign out_e = select(grant_e);
  assign out_s = select(grant_s);
  assign out_w = select(grant_w);
  assign out_l = select(grant_l);

  always_ff @(posedge clk)
    if (out_push != 0) begin
      if (out_push[0]) pointer_n <= after(grant_n);
      if (out_push[1]) pointer_e <= after(grant_e);
      if (out_push[2]) pointer_s <= after(grant_s);
      if (out_push[3]) pointer_w <= after(grant_w);
      if (out_push[4]) pointer_l <= after(grant_l);
    end
endmodule

module sink #(
    parameter int BITS
) (
    input  logic        clk,
    input  logic [63:0] cycle,
    input  logic        push,
    input  logic [63:0] in,
    output logic        has_room
);
  logic ready;
  logic [63:0] head;
  fifo4 fifo (.clk, .push, .in, .has_room, .ready, .head, .pop(ready));

  logic [63:0] delivered = 0, latency_sum = 0, check = 0;
  always_ff @(posedge clk)
    if (ready) begin
      delivered <= delivered + 1;
      latency_sum <= latency_sum + cycle - (head >> (2 * BITS));
      check <= check + (head ^ cycle << 32);
    end

  final collect(delivered, latency_sum, check);
endmodule

module top #(
    parameter int SIZE = 16
) (
    input logic        clk,
    input logic [31:0] threshold
);
  localparam int BITS = SIZE <= 16 ? 8 : 12;

  logic [63:0] cycle = 0;
  always_ff @(posedge clk) cycle <= cycle + 1;

  for (genvar y = 0; y < SIZE; y++) begin : g_row
    for (genvar x = 0; x < SIZE; x++) begin : g
      logic push_n, push_e, push_s, push_w, push_l;
      logic [63:0] in_n, in_e, in_s, in_w, in_l;
      logic [4:0] has_room, out_room, out_push;
      logic [63:0] out_n, out_e, out_s, out_w, out_l;
      router #(.SIZE(SIZE), .X(x), .Y(y), .BITS(BITS)) router (.*);
      generator #(.SIZE(SIZE), .NUMBER(y * SIZE + x), .BITS(BITS)) generator (
          .clk, .threshold, .cycle, .has_room(has_room[4]), .push(push_l), .packet(in_l)
      );
      sink #(.BITS(BITS)) sink (.clk, .cycle, .push(out_push[4]), .in(out_l), .has_room(out_room[4]));

      // Beyond the edge nothing comes, and nothing is sent there.
      if (y > 0) begin : g_north
        assign push_n = g_row[y-1].g[x].out_push[2];
        assign in_n = g_row[y-1].g[x].out_s;
        assign out_room[0] = g_row[y-1].g[x].has_room[2];
      end else begin : g_north
        assign {push_n, in_n, out_room[0]} = 0;
      end
      if (x < SIZE - 1) begin : g_east
        assign push_e = g_row[y].g[x+1].out_push[3];
        assign in_e = g_row[y].g[x+1].out_w;
        assign out_room[1] = g_row[y].g[x+1].has_room[3];
      end else begin : g_east
        assign {push_e, in_e, out_room[1]} = 0;
      end
      if (y < SIZE - 1) begin : g_south
        assign push_s = g_row[y+1].g[x].out_push[0];
        assign in_s = g_row[y+1].g[x].out_n;
        assign out_room[2] = g_row[y+1].g[x].has_room[0];
      end else begin : g_south
        assign {push_s, in_s, out_room[2]} = 0;
      end
      if (x > 0) begin : g_west
        assign push_w = g_row[y].g[x-1].out_push[1];
        assign in_w = g_row[y].g[x-1].out_e;
        assign out_room[3] = g_row[y].g[x-1].has_room[1];
      end else begin : g_west
        assign {push_w, in_w, out_room[3]} = 0;
      end
    end
  end
endmodule
