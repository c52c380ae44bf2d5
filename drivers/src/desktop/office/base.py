# Carries out calls in LibreOffice, in the documents that are open in its windows.
#
# Usage: python3 -I office.py SOCKET CONNECTION
# It reads a line of JSON for each call from the socket, {"call": NAME, "arguments": {...}}, and answers each with a line: {"told": ...} if it is
# done, {"refused": WHY} if nothing was, {"failed": WHY} if it may have been done in part. It ends when the socket does, also in the
# middle of a call. Whatever is in a line is data: a call is one of those in CALLS, and no text is ever run. What documents hold is
# told as it is.

import json
import os
import re
import socket
import sys
import threading

# As much is told at once, in characters.
TOLD_MAX = 12000
CELLS_MAX = 20000
# LibreOffice's own bounds.
ROWS_MAX = 1048576
COLUMNS_MAX = 16384
# A hundredth of a millimetre is its unit.
MM = 100
# Where a Python is that knows LibreOffice, if the one that runs this does not.
PYTHONS = [
    "/usr/bin/python3",
    "/usr/lib/libreoffice/program/python",
    "/usr/lib64/libreoffice/program/python",
    "/opt/libreoffice/program/python",
]

CALLS = {}


class Refused(Exception):
    """Nothing was done, and this is why."""


def call(name):
    def registered(function):
        CALLS[name] = function
        return function

    return registered


def new(name):
    """One of LibreOffice's own records."""
    return uno.createUnoStruct("com.sun.star." + name)


def enum(kind, value):
    return uno.Enum("com.sun.star." + kind, value)


def prop(name, value):
    made = new("beans.PropertyValue")
    made.Name, made.Value = name, value
    return made


def a_list(kind, values):
    """A list of a kind that LibreOffice cannot guess."""
    return uno.Any("[]com.sun.star." + kind, tuple(values))


class Office:
    """The way to a running LibreOffice."""

    def __init__(self, connection):
        self.connection = connection
        self.desktop = None
        self.context = None

    def connect(self):
        if self.desktop is not None:
            try:
                self.desktop.getCurrentFrame()
                return
            except Exception:
                self.desktop = None
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        try:
            self.context = resolver.resolve("uno:" + self.connection + ";urp;StarOffice.ComponentContext")
        except Exception as error:
            raise Refused("LibreOffice does not answer: it is not running, or was not started for calls: " + str(error)[:200])
        self.desktop = self.service("frame.Desktop")

    def service(self, name):
        return self.context.ServiceManager.createInstanceWithContext("com.sun.star." + name, self.context)

    def document(self, service, kind):
        """The document in front, if it is of this kind; else the only one that is."""
        self.connect()
        front = self.desktop.getCurrentComponent()
        if front is not None and is_kind(front, service):
            return front
        found = [document for document in items(self.desktop.Components) if is_kind(document, service)]
        if not found:
            raise Refused("no " + kind + " is open in LibreOffice")
        if len(found) > 1:
            raise Refused("several of them are open, and no " + kind + " is in front: bring the right one to the front")
        return found[0]


OFFICE = None
ANY = "com.sun.star.document.OfficeDocument"


def is_kind(document, service):
    return hasattr(document, "supportsService") and document.supportsService(service)


def items(container):
    enumeration = container.createEnumeration()
    while enumeration.hasMoreElements():
        yield enumeration.nextElement()


def items_of(container, most=1000):
    for at in range(min(container.getCount(), most)):
        yield container.getByIndex(at)


class change:
    """One step that a person can undo. What fails in the middle is undone, if LibreOffice can."""

    def __init__(self, document, title):
        if hasattr(document, "isReadonly") and document.isReadonly():
            raise Refused("the document is read-only")
        self.undo, self.title = document.getUndoManager(), title

    def __enter__(self):
        # One in which nothing happens is not kept: what is on top then is an earlier step, and stays.
        self.before = self.undo.getAllUndoActionTitles()
        self.undo.enterUndoContext(self.title)

    def __exit__(self, kind, error, trace):
        self.undo.leaveUndoContext()
        if error is None:
            return
        after = self.undo.getAllUndoActionTitles()
        is_ours = after != self.before and len(after) > 0 and after[0] == self.title
        if is_ours:
            self.undo.undo()
        if is_ours or isinstance(error, Refused):
            raise Refused(why(error)) from None


def why(error):
    words = str(error) if isinstance(error, Refused) else getattr(error, "Message", "") or str(error)
    return " ".join(words.split())[:500] or type(error).__name__


COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")


def colour(text):
    """A colour, or -1 for none."""
    if text == "none":
        return -1
    if not COLOUR.match(text):
        raise Refused("a colour is written #RRGGBB, or none; not " + repr(text[:40]))
    return int(text[1:], 16)


def color_text(value):
    colour_value = int(value)
    return "none" if colour_value < 0 else "#%06X" % (colour_value & 0xFFFFFF)


def clip(text, most):
    return text if len(text) <= most else text[: most - 1] + "…"


def letters(properties, arguments):
    """What letters look like, of whatever has them."""
    flags = {
        "bold": ("CharWeight", 150.0, 100.0),
        "italic": ("CharPosture", enum("awt.FontSlant", "ITALIC"), enum("awt.FontSlant", "NONE")),
        "underline": ("CharUnderline", 1, 0),
        "strikethrough": ("CharStrikeout", 1, 0),
    }
    for name, (key, yes, no) in flags.items():
        if name in arguments:
            for script in ["", "Asian", "Complex"] if name in ("bold", "italic") else [""]:
                set_where_known(properties, key + script, yes if arguments[name] else no)
    if "color" in arguments:
        properties.setPropertyValue("CharColor", colour(arguments["color"]))
    for script in ["", "Asian", "Complex"]:
        if "font" in arguments:
            set_where_known(properties, "CharFontName" + script, arguments["font"])
        if "size" in arguments:
            set_where_known(properties, "CharHeight" + script, float(arguments["size"]))


def set_where_known(properties, key, value):
    if properties.getPropertySetInfo().hasPropertyByName(key):
        properties.setPropertyValue(key, value)


LETTERS = ("bold", "italic", "underline", "strikethrough", "color", "font", "size")


def one_of(arguments, names):
    """Nothing to do is a mistake, and said so."""
    if not any(name in arguments for name in names):
        raise Refused("nothing is to be changed: give at least one of " + ", ".join(names))


ADJUST = {"left": 0, "right": 1, "justify": 2, "center": 3}


def adjust(name):
    return enum("style.ParagraphAdjust", {"left": "LEFT", "right": "RIGHT", "justify": "BLOCK", "center": "CENTER"}[name])


def picture(path):
    provider = OFFICE.service("graphic.GraphicProvider")
    graphic = provider.queryGraphic((prop("URL", uno.systemPathToFileUrl(path)),))
    if graphic is None:
        raise Refused("this file is no picture that LibreOffice can read")
    size = graphic.SizePixel
    return graphic, max(size.Width, 1), max(size.Height, 1)


def sides(arguments, width, height, most):
    """Width and height of a picture: as wide as is wanted, or as it is at 96 dots an inch, and no wider than fits."""
    wide = arguments.get("width_mm", 0) * MM or min(width * 2540 // 96, most)
    size = new("awt.Size")
    size.Width, size.Height = int(wide), max(int(wide * height / width), 1)
    return size


# Documents of any kind.

FILTERS = {
    "pdf": {"calc": "calc_pdf_Export", "writer": "writer_pdf_Export", "impress": "impress_pdf_Export"},
    "csv": {"calc": "Text - txt - csv (StarCalc)"},
    "xlsx": {"calc": "Calc MS Excel 2007 XML"},
    "ods": {"calc": "calc8"},
    "docx": {"writer": "MS Word 2007 XML"},
    "odt": {"writer": "writer8"},
    "txt": {"writer": "Text (encoded)"},
    "pptx": {"impress": "Impress MS PowerPoint 2007 XML"},
    "odp": {"impress": "impress8"},
    "png": {"impress": "impress_png_Export", "writer": "writer_png_Export", "calc": "calc_png_Export"},
    "html": {"calc": "HTML (StarCalc)", "writer": "HTML (StarWriter)"},
}
KINDS = {
    "calc": "com.sun.star.sheet.SpreadsheetDocument",
    "writer": "com.sun.star.text.TextDocument",
    "impress": "com.sun.star.presentation.PresentationDocument",
}


def any_document():
    document = OFFICE.document(ANY, "document")
    for name, service in KINDS.items():
        if is_kind(document, service):
            return document, name
    raise Refused("what is in front is no table, text or presentation")


def location(document):
    url = document.getURL()
    return uno.fileUrlToSystemPath(url) if url.startswith("file:") else url


def store_copy(document, kind, arguments, stays):
    """Writes a document into a new file, in the format of its ending."""
    path = arguments["path"]
    ending = path.rsplit(".", 1)[-1].lower() if "." in os.path.basename(path) else ""
    filters = FILTERS.get(ending, {})
    if kind not in filters:
        known = ", ".join(sorted(ending for ending, by_kind in FILTERS.items() if kind in by_kind))
        raise Refused("this kind of document is not written as ." + ending[:20] + "; endings that are: " + known)
    how = [prop("FilterName", filters[kind]), prop("Overwrite", False)]
    if ending == "csv":
        # Comma, quotation mark, UTF-8, first line, all cells as they are shown.
        how.append(prop("FilterOptions", "44,34,76,1,,0,false,true,false"))
    if ending == "txt":
        how.append(prop("FilterOptions", "UTF8,LF,,,false"))
    if os.path.lexists(path) or not os.path.isdir(os.path.dirname(path)):
        raise Refused("there is no folder for it, or a file of this name already: " + path[:200])
    url = uno.systemPathToFileUrl(path)
    store = document.storeAsURL if stays else document.storeToURL
    try:
        store(url, tuple(how))
    except Exception as error:
        if os.path.exists(path):
            raise
        raise Refused("it could not be written: " + why(error)) from None
    return {"written": path, "bytes": os.path.getsize(path)}


@call("document.info")
def document_info(arguments):
    document, kind = any_document()
    others = [other.Title for other in items(OFFICE.desktop.Components) if hasattr(other, "getTitle") and other != document]
    return {
        "kind": kind, "title": document.getTitle(), "file": location(document) or None,
        "changed_since_saved": bool(document.isModified()), "read_only": bool(document.isReadonly()), "other_documents": others[:20],
    }


@call("document.save")
def document_save(arguments):
    document, _ = any_document()
    if document.isReadonly():
        raise Refused("the document is read-only")
    if not document.hasLocation():
        raise Refused("the document has no file yet: call document.save_as with a path")
    document.store()
    return {"saved": location(document)}


@call("document.save_as")
def document_save_as(arguments):
    document, kind = any_document()
    if arguments["path"].lower().endswith((".pdf", ".png", ".csv", ".txt", ".html")):
        raise Refused("document.export writes this format; the document itself stays in one that keeps all of it")
    return store_copy(document, kind, arguments, True)


@call("document.export")
def document_export(arguments):
    document, kind = any_document()
    return store_copy(document, kind, arguments, False)


@call("document.undo")
def document_undo(arguments):
    document, _ = any_document()
    undo = document.getUndoManager()
    undone = []
    for _ in range(arguments.get("steps", 1)):
        if not undo.isUndoPossible():
            break
        undone.append(undo.getCurrentUndoActionTitle())
        undo.undo()
    if not undone:
        raise Refused("there is nothing to undo")
    return {"undone": undone}


@call("document.autosave")
def document_autosave(arguments):
    OFFICE.connect()
    node = prop("nodepath", "/org.openoffice.Office.Common/Save/Document")
    provider = OFFICE.service("configuration.ConfigurationProvider")
    access = provider.createInstanceWithArguments("com.sun.star.configuration.ConfigurationUpdateAccess", (node,))
    minutes = arguments["minutes"]
    access.setPropertyValue("AutoSave", minutes > 0)
    if minutes > 0:
        access.setPropertyValue("AutoSaveTimeIntervall", minutes)
    access.commitChanges()
    return {"minutes": minutes}
