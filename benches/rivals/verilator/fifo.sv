// Registered FIFOs: an item pushed in cycle t can be popped from t+1, a slot freed in t can be filled
// from t+1. `ready` and `has_room` come from registers alone, so nothing is combinational between modules.
// `push` only if has_room, `pop` only if ready.

// Two slots, as an output register and a spare.
module fifo2 (
    input  logic        clk,
    input  logic        push,
    input  logic [63:0] in,
    input  logic        pop,
    output logic        has_room,
    output logic        ready,
    output logic [63:0] head
);
  logic [63:0] spare;
  logic has_spare;
  initial begin
    ready = 0;
    has_spare = 0;
  end
  assign has_room = !has_spare;

  always_ff @(posedge clk)
    if (push) begin
      if (pop | !ready) begin
        head  <= in;
        ready <= 1;
      end else begin
        spare <= in;
        has_spare <= 1;
      end
    end else if (pop) begin
      head <= spare;
      ready <= has_spare;
      has_spare <= 0;
    end
endmodule

// Four slots, as a ring.
module fifo4 (
    input  logic        clk,
    input  logic        push,
    input  logic [63:0] in,
    input  logic        pop,
    output logic        has_room,
    output logic        ready,
    output logic [63:0] head
);
  logic [63:0] slots[4];
  logic [1:0] first, last;
  logic [2:0] count;

  initial begin
    first = 0;
    last = 0;
    count = 0;
    ready = 0;
    has_room = 1;
  end

  assign head = slots[first];

  always_ff @(posedge clk) begin
    if (push) begin
      slots[last] <= in;
      last <= last + 1;
    end
    if (pop) first <= first + 1;
    if (push != pop) begin
      count <= push ? count + 1 : count - 1;
      ready <= push | (count != 1);
      has_room <= pop | (count != 3);
    end
  end
endmodule
