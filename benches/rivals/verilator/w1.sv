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
  assign next_push = ready && next_has_room;
  assign out = head * 64'd6364136223846793005 + 64'd1;
endmodule

module top #(
    parameter int SIZE = 1024
) (
    input logic clk
);
  // Index i: into stage i; the last one is the sink's.
  logic push[SIZE+1], has_room[SIZE+1];
  logic [63:0] in[SIZE+1];

  logic [63:0] next = 0;
  assign push[0] = has_room[0];
  assign in[0] = next;
  always_ff @(posedge clk) if (push[0]) next <= next + 1;

  for (genvar i = 0; i < SIZE; i++) begin : g_stage
    stage stage (
        .clk, .push(push[i]), .in(in[i]), .has_room(has_room[i]),
        .next_has_room(has_room[i+1]), .next_push(push[i+1]), .out(in[i+1])
    );
  end

  logic ready;
  logic [63:0] head;
  fifo2 outlet (
      .clk, .push(push[SIZE]), .in(in[SIZE]), .has_room(has_room[SIZE]), .ready, .head, .pop(ready)
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
