#include "binding.h"

PyMethodDef rr_py_csv_methods[] = {{NULL, NULL, 0, NULL}};
