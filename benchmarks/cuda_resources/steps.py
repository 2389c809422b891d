"""What a step of a Floyd-Steinberg kernel costs."""

from benchmarks.cuda_resources.machine_code import HALF_RATE, Program


class Steps:
    """What a step costs, at an edge of a plane and with its share of what lies between rounds."""

    def __init__(self, program: Program, of_a_round: int):
        self.of_a_round = of_a_round
        inside, edge = (range(begin, end + 1) for begin, end in program.step_loops())
        between = program.between_rounds()
        self.inside, self.edge = len(inside) / 8, len(edge) / 8
        self.between = len(between)
        self.elements = program.element_loops() * of_a_round // 4
        self.all = self.edge + self.between / of_a_round
        self.half_rate = sum(
            sum(program.mix(part)[kind] for kind in HALF_RATE) / steps
            for part, steps in ((edge, 8), (between, of_a_round))
        )
        self.cycles_inside, self.cycles_edge = map(program.cycles, program.step_loops())
        self.mix = program.mix(edge)
