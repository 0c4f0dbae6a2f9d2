"""One large product of two matrices, written into a tensor that is there already."""

import peer

settings = peer.setup()

import torch

shape = (settings["size"], settings["size"])
a, b, c = torch.rand(shape), torch.rand(shape), torch.empty(shape)


def repetition():
    for _ in range(settings["times"]):
        torch.matmul(a, b, out=c)
    return {}


peer.serve(settings, repetition)
