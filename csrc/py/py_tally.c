#include "binding.h"

PyMethodDef rr_py_tally_methods[] = {{NULL, NULL, 0, NULL}};
