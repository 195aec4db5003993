#define RR_IMPORTS_NUMPY
#include "binding.h"

static int execute(PyObject *module)
{
    PyMethodDef *const tables[] = {
        rr_py_link_methods,    rr_py_sweep_methods,    rr_py_csv_methods,
        rr_py_tally_methods,   rr_py_text_methods,     rr_py_text_forms_methods,
        rr_py_columns_methods, rr_py_arrow_in_methods, rr_py_arrow_out_methods,
        rr_py_cohort_methods,  rr_py_merge_methods,    rr_py_call_methods,
        rr_py_keys_methods,    rr_py_curves_methods,   rr_py_marks_methods};
    rr_module_state *state = PyModule_GetState(module);

    state->threads = 1;
    state->shelf = rr_shelf_new(rr_shelf_most_here());
    if (state->shelf == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (PyArray_ImportNumPyAPI() < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (PyModule_AddFunctions(module, tables[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static void leave(void *module)
{
    rr_module_state *state = PyModule_GetState(module);

    if (state != NULL) {
        rr_shelf_leave(state->shelf);
    }
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "rereferral._core",
    .m_doc = "The C core of rereferral over numpy arrays. Use the package, not this module.",
    .m_size = sizeof(rr_module_state),
    .m_slots = slots,
    .m_free = leave,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
