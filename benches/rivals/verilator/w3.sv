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
  logic [63:0] state = 64'(NUMBER + 1) * 64'h9E3779B97F4A7C15;
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
  // In front of element (i, j): index j from the west, i from the north.
  logic west_push[SIZE][SIZE+1], west_has_room[SIZE][SIZE+1];
  logic north_push[SIZE+1][SIZE], north_has_room[SIZE+1][SIZE];
  logic [63:0] west[SIZE][SIZE+1], north[SIZE+1][SIZE];

  for (genvar i = 0; i < SIZE; i++) begin : g_row
    source #(
        .NUMBER(i)
    ) row_source (
        .clk, .has_room(west_has_room[i][0]), .push(west_push[i][0]), .out(west[i][0])
    );
    source #(
        .NUMBER(SIZE + i)
    ) column_source (
        .clk, .has_room(north_has_room[0][i]), .push(north_push[0][i]), .out(north[0][i])
    );
    sink row_sink (
        .clk, .push(west_push[i][SIZE]), .in(west[i][SIZE]), .has_room(west_has_room[i][SIZE])
    );
    sink column_sink (
        .clk, .push(north_push[SIZE][i]), .in(north[SIZE][i]), .has_room(north_has_room[SIZE][i])
    );
    for (genvar j = 0; j < SIZE; j++) begin : g_column
      logic fire;
      element element (
          .clk, .fire,
          .west_push(west_push[i][j]), .west_in(west[i][j]), .west_has_room(west_has_room[i][j]),
          .north_push(north_push[i][j]), .north_in(north[i][j]), .north_has_room(north_has_room[i][j]),
          .east_has_room(west_has_room[i][j+1]), .east(west[i][j+1]),
          .south_has_room(north_has_room[i+1][j]), .south(north[i+1][j])
      );
      assign west_push[i][j+1]  = fire;
      assign north_push[i+1][j] = fire;
    end
  end
endmodule
