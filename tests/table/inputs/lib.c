int lib(int x) { return x * 3; }
