"""Makes machine code of the kernel, with Numba, in a process that does nothing else."""
