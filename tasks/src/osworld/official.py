"""Calls one evaluator function of OSWorld's own package, and says what it gives.

Reads a JSON object from its input and writes one as the last line of its output. The function's module alone is imported, so that a
function needs no more packages than it uses. It runs without a network, within bounds, and in a folder that holds nothing but the
files that it compares.
"""

import ast
import ctypes
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import math
import os
import resource
import sys
import types
import warnings

MEMORY_BYTES_MAX = 8 << 30
FILE_BYTES_MAX = 512 << 20
NEW_USER, NEW_NET = 0x10000000, 0x40000000
# What pip calls the packages that modules are in.
PIP = {
    "PIL": "Pillow", "acoustid": "pyacoustid", "bs4": "beautifulsoup4", "cv2": "opencv-python-headless", "docx": "python-docx",
    "fitz": "pymupdf", "imagehash": "ImageHash", "odf": "odfpy", "pptx": "python-pptx", "skimage": "scikit-image", "yaml": "PyYAML",
    "PyPDF2": "pypdf2",
}
# Large, and imported by modules of which one function uses them, or none.
RARELY_USED = ("acoustid", "borb", "borb.pdf", "cv2", "easyocr", "fastdtw", "librosa")


# What a function has called of packages that are not there. Some catch whatever is raised, and give a 0 then, which is none.
CALLED = []


class Unusable(Exception):
    """Why the function cannot be called."""


class Absent(types.ModuleType):
    """Stands for a package that is not installed, until somebody calls what is in it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(self.__name__ + "." + name)

    def __call__(self, *_, **__):
        CALLED.append(self.__name__)
        raise ModuleNotFoundError("it is used by this function", name=self.__name__)


def confine():
    """Takes the network away, by the kernel where it allows that and by Python in any case."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NET) != 0:
        libc.unshare(NEW_USER | NEW_NET)

    def refuse(event, _):
        if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            raise OSError("evaluators have no network")

    sys.addaudithook(refuse)
    for what, most in ((resource.RLIMIT_AS, MEMORY_BYTES_MAX), (resource.RLIMIT_FSIZE, FILE_BYTES_MAX), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def find(checkout):
    """The folder of the evaluators' functions, and what it is called in a report."""
    if checkout:
        folder = os.path.join(checkout, "desktop_env", "evaluators", "metrics")
        version = "checkout"
    else:
        spec = importlib.util.find_spec("desktop_env")
        if spec is None or not spec.submodule_search_locations:
            raise Unusable("the package desktop-env is not installed there")
        folder = os.path.join(spec.submodule_search_locations[0], "evaluators", "metrics")
        version = "desktop-env " + importlib.metadata.version("desktop-env")
    if not os.path.isfile(os.path.join(folder, "__init__.py")):
        raise Unusable("there is no " + os.path.join(folder, "__init__.py"))
    digest = hashlib.sha256()
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
        with open(os.path.join(folder, name), "rb") as file:
            digest.update(name.encode() + b"\0" + file.read() + b"\0")
    return folder, version + ", " + digest.hexdigest()[:12]


def module_of(folder, function):
    """The module that a function is in, by what the package imports from where."""
    with open(os.path.join(folder, "__init__.py"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for name in node.names:
                if (name.asname or name.name) == function:
                    return node.module, name.name
    raise Unusable("this version has no function " + function)


def load(folder, function):
    # Packages whose own code, which imports everything, is passed over.
    above = folder
    for name in ("desktop_env.evaluators.metrics", "desktop_env.evaluators", "desktop_env"):
        package = types.ModuleType(name)
        package.__path__ = [above]
        sys.modules[name] = package
        above = os.path.dirname(above)
    absent = set()
    for name in RARELY_USED:
        if name.split(".")[0] in absent or importlib.util.find_spec(name) is None:
            absent.add(name)
            sys.modules[name] = Absent(name)
    module, name = module_of(folder, function)
    return getattr(importlib.import_module("desktop_env.evaluators.metrics." + module), name)


def value(of):
    if "path" in of:
        return os.path.abspath(of["path"])
    if "paths" in of:
        return [None if path is None else os.path.abspath(path) for path in of["paths"]]
    return of["value"]


def perform(request):
    folder, version = find(request.get("checkout"))
    function = load(folder, request["function"])
    arguments = [value(request["result"])]
    if request.get("expected") is not None:
        arguments.append(value(request["expected"]))
    score = function(*arguments, **request["options"])
    if CALLED:
        raise ModuleNotFoundError("it is used by this function", name=CALLED[0])
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        # numpy's numbers, and True, are as good as Python's.
        try:
            score = float(score)
        except (TypeError, ValueError):
            raise Unusable("it gave " + repr(score)[:100] + ", which is no number") from None
    if not math.isfinite(score):
        raise Unusable("it gave " + repr(score))
    return {"score": float(score), "version": version}


def main():
    request = json.loads(sys.stdin.buffer.read())
    # What functions print is not the answer.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        os.chdir(request["folder"])
        confine()
        told = perform(request)
    except ModuleNotFoundError as error:
        name = (error.name or "").split(".")[0]
        told = {"error": "it needs the package " + PIP.get(name, name), "package": PIP.get(name, name)}
    except Unusable as error:
        told = {"error": str(error)}
    except MemoryError:
        told = {"error": "it took more memory than it may have"}
    except BaseException as error:  # Whatever it raises, there is no score.
        told = {"error": (type(error).__name__ + ": " + str(error))[:500]}
    answer.write("\n" + json.dumps(told) + "\n")
    answer.flush()
    # Threads that a package has left behind would keep it from ending.
    os._exit(0)


main()
