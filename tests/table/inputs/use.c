int lib(int); int main(void) { return lib(14); }
