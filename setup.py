"""The compiled half of the package; everything else is in pyproject.toml."""

from glob import glob

import numpy
from setuptools import Extension, setup

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wpointer-arith", "-Wstrict-prototypes", "-Wvla"]

core = Extension(
    "rereferral._core",
    sources=sorted(glob("csrc/core/*.c") + glob("csrc/py/*.c")),
    depends=sorted(glob("csrc/core/*.h") + glob("csrc/py/*.h")),
    include_dirs=["csrc/core", numpy.get_include()],
    libraries=["csv", "m"],
    define_macros=[
        ("Py_LIMITED_API", "0x030B0000"),
        ("NPY_NO_DEPRECATED_API", "NPY_1_22_API_VERSION"),
        ("NPY_TARGET_VERSION", "NPY_1_22_API_VERSION"),
    ],
    # A CFLAGS in the environment replaces the interpreter's own flags, so the level is named here.
    extra_compile_args=["-std=c11", "-O3", "-pthread", "-fvisibility=hidden", *WARNINGS],
    extra_link_args=["-pthread"],
    py_limited_api=True,
)

setup(ext_modules=[core], options={"bdist_wheel": {"py_limited_api": "cp311"}})
