// W2: a mesh of SIZE × SIZE nodes under uniform random traffic, each a router, a generator and a sink; FIFOs
// of four slots. Ports are in the order north, east, south, west, local.
import "DPI-C" function void collect(
  input longint unsigned first,
  input longint unsigned second,
  input longint unsigned third
);
// A draw below it makes a packet.
import "DPI-C" function int unsigned packet_threshold();

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
  logic [63:0] drawn, choice, place;
  logic makes;
  always_comb begin
    drawn = state * FACTOR + ADDEND;
    makes = !held & 32'(drawn[63:33]) < threshold;
    push = has_room & (held | makes);
    {choice, place, packet} = 'x;
    if (makes) begin
      choice = drawn * FACTOR + ADDEND;
      place = (64'(choice[63:33]) * OTHERS) >> 31;
      if (place >= 64'(NUMBER)) place = place + 1;
      packet = place | SOURCE | cycle << (2 * BITS);
    end else if (held) packet = held_packet;
  end

  always_ff @(posedge clk)
    if (makes) begin
      state <= choice;
      held <= !has_room;
      held_packet <= packet;
    end else if (!held) state <= drawn;
    else if (has_room) held <= 0;
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

  // The place of an output's last winner, as a mask of the inputs behind it: those come first.
  logic [4:0] behind_n, behind_e, behind_s, behind_w, behind_l;
  initial {behind_n, behind_e, behind_s, behind_w, behind_l} = 0;

`define ROUTE(ready, head, ask) \
  if (ready) begin \
    to_x = head[BITS-1:0] % BITS'(SIZE); \
    to_y = head[BITS-1:0] / BITS'(SIZE); \
    ask = to_x != BITS'(X) ? (to_x > BITS'(X) ? 5'b00010 : 5'b01000) \
        : to_y != BITS'(Y) ? (to_y < BITS'(Y) ? 5'b00001 : 5'b00100) : 5'b10000; \
    wanted |= ask; \
  end

`define ARBITRATE(at, behind, grant, out) \
  if (wanted[at] & out_room[at]) begin \
    askers = {ask_l[at], ask_w[at], ask_s[at], ask_e[at], ask_n[at]}; \
    first = (askers & behind) != 0 ? askers & behind : askers; \
    grant = first & -first; \
    pop |= grant; \
    out_push[at] = 1; \
    out = grant[0] ? head_n : grant[1] ? head_e : grant[2] ? head_s : grant[3] ? head_w : head_l; \
  end

  logic [BITS-1:0] to_x, to_y;
  logic [4:0] wanted, askers, first;
  logic [4:0] ask_n, ask_e, ask_s, ask_w, ask_l;  // per input, the output asked for
  logic [4:0] grant_n, grant_e, grant_s, grant_w, grant_l;  // per output, the winner
  always_comb begin
    pop = 0;
    out_push = 0;
    {to_x, to_y, wanted, askers, first} = 'x;
    {ask_n, ask_e, ask_s, ask_w, ask_l} = 'x;
    {grant_n, grant_e, grant_s, grant_w, grant_l} = 'x;
    {out_n, out_e, out_s, out_w, out_l} = 'x;
    if (ready != 0) begin
      wanted = 0;
      {ask_n, ask_e, ask_s, ask_w, ask_l} = 0;
      `ROUTE(ready[0], head_n, ask_n)
      `ROUTE(ready[1], head_e, ask_e)
      `ROUTE(ready[2], head_s, ask_s)
      `ROUTE(ready[3], head_w, ask_w)
      `ROUTE(ready[4], head_l, ask_l)
      `ARBITRATE(0, behind_n, grant_n, out_n)
      `ARBITRATE(1, behind_e, grant_e, out_e)
      `ARBITRATE(2, behind_s, grant_s, out_s)
      `ARBITRATE(3, behind_w, grant_w, out_w)
      `ARBITRATE(4, behind_l, grant_l, out_l)
    end
  end

  always_ff @(posedge clk)
    if (out_push != 0) begin
      if (out_push[0]) behind_n <= -(grant_n << 1);
      if (out_push[1]) behind_e <= -(grant_e << 1);
      if (out_push[2]) behind_s <= -(grant_s << 1);
      if (out_push[3]) behind_w <= -(grant_w << 1);
      if (out_push[4]) behind_l <= -(grant_l << 1);
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
    input logic clk
);
  localparam int BITS = SIZE <= 16 ? 8 : 12;

  // Not an input of the model: what depends on inputs is computed in every evaluation.
  logic [31:0] threshold;
  initial threshold = packet_threshold();

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
