"""What a step of a Floyd-Steinberg kernel costs."""

from benchmarks.cuda_resources.machine_code import HALF_RATE, Program


class Steps:
    """What a step costs inside a plane and at its edge, and what lies between two rounds."""

    def __init__(self, program: Program, of_a_round: int):
        self.of_a_round = of_a_round
        of_a_loop = of_a_round // 2
        inside, edge = program.step_loops(of_a_loop)[:2]
        between = program.between_rounds(edge)
        self.inside, self.edge = len(inside) / of_a_loop, len(edge) / of_a_loop
        self.between = len(between)
        self.all = self.edge + self.between / of_a_round
        self.half_rate = sum(
            sum(program.mix(part)[kind] for kind in HALF_RATE) / steps
            for part, steps in ((edge, of_a_loop), (between, of_a_round))
        )
        self.cycles_inside, self.cycles_edge = (
            program.cycles(loop, times=4) / of_a_loop for loop in (inside, edge)
        )
        self.cycles_between_inside = program.cycles(program.between_rounds(inside))
        self.cycles_between = program.cycles(between)
        self.cycles_all = self.cycles_edge + self.cycles_between / of_a_round
