#pragma once

#include <Python.h>

// The function that Python calls when it imports a library of ops. Loading the library
// runs its static initialisers, which register the ops; the module itself is empty.
// Python keeps its own fields in the definition, and a module that is imported again
// gets the same one: it is initialised once.
#define PYQUANT_PYTHON_MODULE(name)         \
  PyMODINIT_FUNC PyInit_##name() {          \
    static PyModuleDef definition = [] {    \
      PyModuleDef empty = {};               \
      empty.m_base = PyModuleDef_HEAD_INIT; \
      empty.m_name = #name;                 \
      return empty;                         \
    }();                                    \
    return PyModule_Create(&definition);    \
  }
