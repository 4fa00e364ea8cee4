"""Kolmogorov-Arnold networks: learnable functions on the edges, ``y_q = sum_p phi_qp(x_p)``."""
