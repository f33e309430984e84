// W3 (and W4, with SIZE = 256): an output-stationary systolic array of SIZE × SIZE elements between
// pseudo-random sources in the west and north and sinks in the east and south; FIFOs of two slots.
import "DPI-C" function void collect(
  input longint unsigned first,
  input longint unsigned second,
  input longint unsigned third
);

// Element with its two input FIFOs.
module element (
    input  logic        clk,
    input  logic        west_push,
    input  logic [63:0] west_in,
    output logic        west_has_room,
    input  logic        north_push,
    input  logic [63:0] north_in,
    output logic        north_has_room,
    input  logic        east_has_room,
    input  logic        south_has_room,
    output logic        fire,
    output logic [63:0] east,
    output logic [63:0] south
);
  logic west_ready, north_ready;
  fifo2 west (
      .clk, .push(west_push), .in(west_in), .has_room(west_has_room),
      .ready(west_ready), .head(east), .pop(fire)
  );
  fifo2 north (
      .clk, .push(north_push), .in(north_in), .has_room(north_has_room),
      .ready(north_ready), .head(south), .pop(fire)
  );
  assign fire = west_ready & north_ready & east_has_room & south_has_room;

  logic [63:0] sum = 0;
  logic [31:0] firings = 0;
  always_ff @(posedge clk)
    if (fire) begin
      sum <= sum + east * south;
      firings <= firings + 1;
    end

  final collect(sum, {32'd0, firings}, 64'd0);
endmodule

module source #(
    parameter int NUMBER
) (
    input  logic        clk,
    input  logic        has_room,
    output logic        push,
    output logic [63:0] out
);
  logic [63:0] state = (64'(NUMBER) + 1) * 64'h9E3779B97F4A7C15;
  logic [63:0] next;
  assign next = state * 64'd6364136223846793005 + 64'd1442695040888963407;
  assign push = has_room;
  assign out = {{32{next[63]}}, next[63:32]};
  always_ff @(posedge clk) if (push) state <= next;
endmodule

module sink (
    input  logic        clk,
    input  logic        push,
    input  logic [63:0] in,
    output logic        has_room
);
  logic ready;
  logic [63:0] head;
  fifo2 fifo (
      .clk, .push, .in, .has_room, .ready, .head, .pop(ready)
  );
  logic [63:0] drained = 0;
  always_ff @(posedge clk) if (ready) drained <= drained + 1;

  final collect(64'd0, 64'd0, drained);
endmodule

module top #(
    parameter int SIZE = 32
) (
    input logic clk
);
  // Wires live in the generate block of their driver: arrays of wires would be copied.
  for (genvar i = 0; i < SIZE; i++) begin : g_row
    for (genvar j = 0; j < SIZE; j++) begin : g_column
      logic west_push, west_has_room, north_push, north_has_room;
      logic [63:0] west_in, north_in;
      logic fire, east_has_room, south_has_room;
      logic [63:0] east, south;
      element element (.*);

      if (j == 0) begin : g_west
        source #(.NUMBER(i)) source (.clk, .has_room(west_has_room), .push(west_push), .out(west_in));
      end else begin : g_from_west
        assign west_push = g_row[i].g_column[j-1].fire;
        assign west_in = g_row[i].g_column[j-1].east;
        assign g_row[i].g_column[j-1].east_has_room = west_has_room;
      end
      if (i == 0) begin : g_north
        source #(.NUMBER(SIZE + j)) source (.clk, .has_room(north_has_room), .push(north_push), .out(north_in));
      end else begin : g_from_north
        assign north_push = g_row[i-1].g_column[j].fire;
        assign north_in = g_row[i-1].g_column[j].south;
        assign g_row[i-1].g_column[j].south_has_room = north_has_room;
      end
      if (j == SIZE - 1) begin : g_east
        sink sink (.clk, .push(fire), .in(east), .has_room(east_has_room));
      end
      if (i == SIZE - 1) begin : g_south
        sink sink (.clk, .push(fire), .in(south), .has_room(south_has_room));
      end
    end
  end
endmodule
