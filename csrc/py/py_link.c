#include "binding.h"

PyMethodDef rr_py_link_methods[] = {{NULL, NULL, 0, NULL}};
