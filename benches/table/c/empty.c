/* A shared library with nothing in it: what loading one costs at least. */
int nothing_here;
