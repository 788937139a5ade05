"""What a load test measured, as plain data: pure functions of its trace and of what its processes recorded."""
