"""Which patient each picture of GlaS is of, from the table of grades that is released with it (Grade.csv)."""

_TABLE = """
1: train 13 14 24 26 27 32 37 38 39 64 65 68; testB 9 12 15 16
2: train 1 3 10 23 29 31 40 43 44 66 70 71 74 77 78 82; testB 3 11 18 19
3: train 4 6 17 19 52 55 58 75; testA 2; testB 1 6 10 14
4: train 15 56 67 80; testA 1 3 7 9 16 23 30 34 46 48 49 52 56 60
5: train 2 21 34 47; testB 4 5 7 17
6: train 18 54 60 73
7: train 35 48 49 76; testA 13 14 15 17 24 26 38 39 41 42 51 53; testB 2 8 13 20
8: train 41
9: train 22 30 33 51 59 61 62 69; testA 4 6 11 18 20 21 31 33
10: train 8 9 11 16 20 25 28 42 45 46 53 63 72 79 85; testA 10 25 28 36 37 54 55 58
11: train 5 57 81 83; testA 5 8 12 19 22 27 29 32 40 47 57 59
12: testA 45
13: train 12; testA 44 50
14: train 7
15: train 84; testA 35 43
16: train 36 50
"""


def _patients() -> dict[str, str]:
    found = {}
    for line in _TABLE.strip().splitlines():
        patient, _, parts = line.partition(": ")
        for part in parts.split("; "):
            name, *numbers = part.split()
            found |= {f"{name}_{number}": patient for number in numbers}
    return found


PATIENTS = _patients()
"""16 patients by id of the picture, such as ``testA_1``; numbers without leading zeros."""
