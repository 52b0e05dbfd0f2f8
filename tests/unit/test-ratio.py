# SPDX-License-Identifier: MIT
"""The exact ratio of two rates, and the interval of one: against published examples, against SciPy, and against an independent
implementation with long integers and 50-digit decimals, which shares neither a function nor an idea with the one under test
(sums of probabilities instead of continued fractions, secant steps on logits instead of halving)."""

import decimal
import math
import os
import random
import subprocess
import sys

from scipy import stats

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'support'))
import tap

Decimal = decimal.Decimal
decimal.getcontext().prec = 50
TOLERANCE = 1e-6
SLOW = 'TESTS_SLOW' in os.environ
CASES = 2000 if 'TESTS_LONG' in os.environ else 240 if SLOW else 400


def dumped(lines):
    done = subprocess.run([os.environ['RATIO_DUMP']], input=''.join(f'{line}\n' for line in lines),
                          capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(lines)
    return [None if answer == 'none' else [float(word) for word in answer.split()] for answer in answers]


def ratio(x1, t1, x2, t2):
    return dumped([f'{x1} {t1} {x2} {t2}'])[0]


# --- The independent implementation

def tail(n, first, last, share):
    """P(first <= X <= last) of a binomial, by summing its terms."""
    if first > last:
        return Decimal(0)
    odds = share / (1 - share)
    term = math.comb(n, first) * share ** first * (1 - share) ** (n - first)
    total = term
    for i in range(first, last):
        term = term * (n - i) / (i + 1) * odds
        total += term
    return total


def odds_where(function, target):
    """The odds at which an increasing function of the share meets the target: bisection on logarithms, then
    secants."""
    low, high = Decimal(-40), Decimal(40)

    def off(log_odds):
        odds = log_odds.exp()
        return function(odds / (1 + odds)) - target
    for _ in range(12):
        middle = (low + high) / 2
        if off(middle) < 0:
            low = middle
        else:
            high = middle
    off_low, off_high = off(low), off(high)
    for _ in range(60):
        if abs(high - low) < Decimal('1e-15') or off_high == off_low:
            break
        new = high - off_high * (high - low) / (off_high - off_low)
        low, off_low = high, off_high
        high, off_high = new, off(new)
    return high.exp()


def independent(x1, t1, x2, t2):
    """As R's poisson.test(c(x1, x2), c(t1, t2)); the times are integers."""
    n = x1 + x2
    scale = Decimal(t2) / t1
    low = Decimal(0) if x1 == 0 else odds_where(lambda p: tail(n, x1, n, p), Decimal('0.025')) * scale
    high = None if x2 == 0 else odds_where(lambda p: 1 - tail(n, 0, x1, p), Decimal('0.975')) * scale
    # The p value in integers: the common denominator is (t1 + t2) ** n.
    weights = [math.comb(n, i) * t1 ** i * t2 ** (n - i) for i in range(n + 1)]
    # R's tolerance for ties, 1 + 1e-7.
    likely = sum(weight for weight in weights if weight * 10 ** 7 <= weights[x1] * (10 ** 7 + 1))
    p_value = Decimal(likely) / Decimal(sum(weights))
    return [Decimal(x1) * t2 / (Decimal(x2) * t1) if x2 else None, low, high, p_value]


def compare(case, got):
    expected = independent(*case)
    for name, value, truth in zip(('ratio', 'low', 'high', 'p'), got, expected):
        if truth is None:
            assert math.isinf(value), (case, name, value)
        else:
            assert abs(value - float(truth)) <= TOLERANCE * abs(float(truth)), (case, name, value, truth)


# --- Cases

def test_published_examples():
    # R's manual of poisson.test: eba1977, Fredericia against three other cities. R prints 1.971488,
    # 0.8584264 to 4.2772659, p-value = 0.07967.
    got = ratio(11, 800, 21, 3011)
    for value, printed, digits in zip(got, (1.971488, 0.8584264, 4.2772659, 0.07967), (6, 7, 7, 5)):
        assert round(value, digits) == printed, (value, printed)
    # Clopper and Pearson 1934: 3 of 10 is a share of 0.0667 to 0.6525.
    _, low, high, _ = ratio(3, 1, 7, 1)
    assert round(low / (1 + low), 4) == 0.0667 and round(high / (1 + high), 4) == 0.6525
    # The rule for none of n: the upper end of the share is 1 - 0.025 ** (1 / n).
    _, low, high, _ = ratio(0, 1, 10, 1)
    assert low == 0 and abs(high / (1 + high) - (1 - 0.025 ** 0.1)) < 1e-12


def random_cases(seed):
    chance = random.Random(seed)
    cases = []
    while len(cases) < CASES:
        size = chance.choice([3, 10, 40, 120])
        case = (chance.randint(0, size), chance.randint(1, 200), chance.randint(0, size), chance.randint(1, 200))
        if case[0] + case[2] > 0:
            cases.append(case)
    return zip(cases, dumped([' '.join(map(str, case)) for case in cases]))


def test_scipy():
    """Given their sum, the first count is binomial: SciPy has the exact test and interval of that."""
    for (x1, t1, x2, t2), (_, low, high, p_value) in random_cases(7):
        test = stats.binomtest(x1, x1 + x2, t1 / (t1 + t2))
        ends = test.proportion_ci(0.95, method='exact')
        for value, share in ((low, ends.low), (high, ends.high)):
            truth = share / (1 - share) * t2 / t1 if share < 1 else math.inf
            assert value == truth or abs(value - truth) <= TOLERANCE * truth, (x1, t1, x2, t2, value, truth)
        assert abs(p_value - test.pvalue) <= TOLERANCE * test.pvalue, (x1, t1, x2, t2, p_value, test.pvalue)
    tap.measured(f'interval and p value agree with SciPy to 1e-6 in {CASES} random cases')


def test_random_cases():
    cases = list(random_cases(20241028))
    for case, got in cases:
        compare(case, got)
    tap.measured(f'rate ratio, interval and p value agree to 1e-6 in {len(cases)} random cases')


def test_edges():
    for case in ((0, 1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 1), (0, 300, 60, 1), (60, 1, 1, 300), (500, 365, 430, 365),
                 (5, 7, 5, 7), (2, 1, 4, 2)):
        compare(case, ratio(*case))
    assert ratio(0, 10, 0, 10) is None


def count_up_to(x, mean):
    """P(X <= x) of a Poisson."""
    term = total = (-mean).exp()
    for i in range(1, x + 1):
        term = term * mean / i
        total += term
    return total


def test_one_rate():
    # Garwood 1936, table V: the 95 % limits of a count, to two places.
    for x, low, high in ((0, 0.0, 3.69), (1, 0.0253, 5.57), (5, 1.62, 11.67), (10, 4.80, 18.39), (50, 37.11, 65.92)):
        got = dumped([f'rate {x} 1'])[0]
        assert got[0] == x and abs(got[1] - low) < 0.005 and abs(got[2] - high) < 0.005, (x, got)
    # What the ends are: rates at which such a count, or one farther off, has a chance of 2.5 %.
    chance = random.Random(3)
    cases = [(chance.randint(0, chance.choice([3, 30, 300])), chance.uniform(0.1, 500)) for _ in range(200)]
    for (x, t), (rate, low, high) in zip(cases, dumped([f'rate {x} {t!r}' for x, t in cases])):
        assert abs(rate - x / t) <= 1e-15 * rate
        assert abs(count_up_to(x, Decimal(high) * Decimal(t)) - Decimal('0.025')) < Decimal('1e-9'), (x, t)
        if x == 0:
            assert low == 0
        else:
            assert abs(1 - count_up_to(x - 1, Decimal(low) * Decimal(t)) - Decimal('0.025')) < Decimal('1e-9'), (x, t)
    assert dumped(['rate 5 0', 'rate 5 -1', 'rate 5 nan', 'rate 5 inf']) == [None] * 4


def test_large_counts():
    got = ratio(5000, 365, 4800, 365)
    # Where counts are large the logarithm of the ratio is normal, nearly.
    spread = 1.959964 * math.sqrt(1 / 5000 + 1 / 4800)
    assert abs(math.log(got[1]) - (math.log(5000 / 4800) - spread)) < 1e-3
    assert abs(math.log(got[2]) - (math.log(5000 / 4800) + spread)) < 1e-3


def test_chi_square():
    # With an even number of degrees it is a sum: exp(-x/2) times the first terms of the series of exp(x/2).
    chance = random.Random(1)
    cases = [(chance.uniform(0.01, 300), 2 * chance.randint(1, 80)) for _ in range(200)]
    for (x, degrees), (got,) in zip(cases, dumped([f'chi2 {x!r} {degrees}' for x, degrees in cases])):
        half = Decimal(x) / 2
        truth = float((-half).exp() * sum(half ** k / math.factorial(k) for k in range(degrees // 2)))
        assert abs(got - truth) <= 1e-9 * max(truth, 1e-30) + 1e-13, (x, degrees, got, truth)
    # Printed in every table.
    for x, degrees, printed in ((3.841, 1, 0.05), (6.635, 1, 0.01), (11.070, 5, 0.05), (19.675, 11, 0.05)):
        assert abs(dumped([f'chi2 {x} {degrees}'])[0][0] - printed) < 1e-4


tap.main(globals())
