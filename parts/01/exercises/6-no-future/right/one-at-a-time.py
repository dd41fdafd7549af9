from itertools import product

import torch


def changes(attend, tensors, which, s):
    other = [t.clone() for t in tensors]
    other[which][s] = -3.0
    return (attend(*other) != attend(*tensors)).flatten(1).any(1).tolist()


def test_no_token_sees_the_future(attend):
    tensors = [torch.rand(4, 2, 3) for _ in range(3)]
    for which, s in product(range(3), range(4)):
        assert True not in changes(attend, tensors, which, s)[:s]
