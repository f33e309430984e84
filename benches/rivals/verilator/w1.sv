// W1: a source, SIZE stages that turn x into x·A + 1, a sink; FIFOs of two slots between them.
import "DPI-C" function void collect(
  input longint unsigned first,
  input longint unsigned second,
  input longint unsigned third
);

// A FIFO and the arithmetic behind it.
module stage (
    input  logic        clk,
    input  logic        push,
    input  logic [63:0] in,
    output logic        has_room,
    input  logic        next_has_room,
    output logic        next_push,
    output logic [63:0] out
);
  logic ready;
  logic [63:0] head;
  fifo2 fifo (
      .clk, .push, .in, .has_room, .ready, .head, .pop(next_push)
  );
  assign next_push = ready & next_has_room;
  assign out = head * 64'd6364136223846793005 + 64'd1;
endmodule

module top #(
    parameter int SIZE = 1024
) (
    input logic clk
);
  // Wires live in the generate block of their driver: arrays of wires would be copied.
  logic source_push;
  logic [63:0] next = 0;
  always_ff @(posedge clk) if (source_push) next <= next + 1;

  for (genvar i = 0; i < SIZE; i++) begin : g
    logic push, has_room, next_push, next_has_room;
    logic [63:0] in, out;
    stage stage (.*);
    if (i == 0) begin : g_first
      assign push = source_push;
      assign in = next;
    end else begin : g_other
      assign push = g[i-1].next_push;
      assign in = g[i-1].out;
      assign g[i-1].next_has_room = has_room;
    end
  end
  assign source_push = g[0].has_room;

  logic ready;
  logic [63:0] head;
  fifo2 outlet (
      .clk, .push(g[SIZE-1].next_push), .in(g[SIZE-1].out), .has_room(g[SIZE-1].next_has_room),
      .ready, .head, .pop(ready)
  );

  logic [63:0] count = 0;
  logic [63:0] check = 0;
  always_ff @(posedge clk)
    if (ready) begin
      count <= count + 1;
      check <= check ^ head;
    end

  final collect(count, check, 64'd0);
endmodule
