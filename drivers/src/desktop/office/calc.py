

# Tables: documents of Calc.

CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})\Z")
COLUMN = re.compile(r"\$?([A-Za-z]{1,3})\Z")
ROW = re.compile(r"\$?([0-9]{1,7})\Z")
# What a formula may not do: reach a file, a program or the network, or hide that it does.
REACHING = re.compile(r"WEBSERVICE|\bDDE\b|\bRTD\b|INDIRECT|HYPERLINK|://|file:|'#|#\$|\bCALL\b|REGISTER", re.IGNORECASE)
# Numbers of errors that say that a formula is no formula.
MALFORMED = set(range(501, 520)) | {525, 533, 534}


def table():
    return OFFICE.document(KINDS["calc"], "table")


def column_number(name):
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - 64
    if number > COLUMNS_MAX:
        raise Refused("there is no column " + name[:10])
    return number - 1


def column_name(number):
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def row_number(text):
    number = int(text)
    if not 1 <= number <= ROWS_MAX:
        raise Refused("there is no row " + text)
    return number - 1


def sheet_named(document, name):
    if name is None:
        return document.CurrentController.ActiveSheet
    if not document.Sheets.hasByName(name):
        names = ", ".join(document.Sheets.ElementNames[:30])
        raise Refused("there is no sheet " + repr(name[:60]) + "; there are: " + names)
    return document.Sheets.getByName(name)


def place(document, arguments, key):
    """The sheet, and first column, first row, last column, last row of a range, each from 0."""
    text = arguments[key].strip()
    name = arguments.get("sheet")
    for sign in (".", "!"):
        if sign in text:
            named, text = text.rsplit(sign, 1)
            name = named.lstrip("$").strip("'")
            break
    sheet = sheet_named(document, name)
    ends = [part.strip() for part in text.split(":")]
    cells = [CELL.match(part) for part in ends]
    columns = [COLUMN.match(part) for part in ends]
    rows = [ROW.match(part) for part in ends]
    if len(ends) > 2 or not (all(cells) or all(columns) or all(rows)):
        raise Refused("a range is written B2, B2:D9, B:D or 2:9; not " + repr(arguments[key][:60]))
    if all(cells):
        found = [(column_number(cell[1]), row_number(cell[2])) for cell in cells]
    elif all(columns):
        found = [(column_number(columns[0][1]), 0), (column_number(columns[-1][1]), ROWS_MAX - 1)]
    else:
        found = [(0, row_number(rows[0][1])), (sheet.Columns.Count - 1, row_number(rows[-1][1]))]
    (left, top), (right, bottom) = found[0], found[-1]
    if max(left, right) >= sheet.Columns.Count:
        raise Refused("there is no such column; the last one is " + column_name(sheet.Columns.Count - 1))
    return sheet, min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def cells_of(document, arguments, key="range"):
    sheet, *at = place(document, arguments, key)
    return sheet.getCellRangeByPosition(*at)


def used_area(sheet):
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    end = cursor.RangeAddress
    cursor.gotoStartOfUsedArea(False)
    start = cursor.RangeAddress
    return start.StartColumn, start.StartRow, end.EndColumn, end.EndRow


def range_name(sheet, left, top, right, bottom):
    first, last = column_name(left) + str(top + 1), column_name(right) + str(bottom + 1)
    return sheet.Name + "." + (first if first == last else first + ":" + last)


def cells_name(cells):
    at = cells.RangeAddress
    return range_name(cells.Spreadsheet, at.StartColumn, at.StartRow, at.EndColumn, at.EndRow)


def within_used(document, arguments, key="range"):
    """A range, a large one without what is empty around it: whole columns are a million cells."""
    sheet, left, top, right, bottom = place(document, arguments, key)
    if (right - left + 1) * (bottom - top + 1) <= CELLS_MAX:
        return sheet.getCellRangeByPosition(left, top, right, bottom)
    _, _, most_right, most_bottom = used_area(sheet)
    right, bottom = max(min(right, most_right), left), max(min(bottom, most_bottom), top)
    return sheet.getCellRangeByPosition(left, top, right, bottom)


def bounded(cells):
    at = cells.RangeAddress
    count = (at.EndColumn - at.StartColumn + 1) * (at.EndRow - at.StartRow + 1)
    if count > CELLS_MAX:
        raise Refused("these are %d cells, and %d are the most at once" % (count, CELLS_MAX))
    return cells


def plain(value):
    if isinstance(value, float):
        if value != value:
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return value


@call("calc.info")
def calc_info(arguments):
    document = table()
    sheets = []
    for sheet in items_of(document.Sheets, 100):
        charts = list(sheet.Charts.ElementNames[:20])
        sheets.append({"sheet": sheet.Name, "used": range_name(sheet, *used_area(sheet)).rsplit(".", 1)[1], "visible": bool(sheet.IsVisible), "charts": charts})
    controller = document.CurrentController
    selection = document.CurrentSelection
    selected = cells_name(selection) if hasattr(selection, "RangeAddress") else None
    return {"active": controller.ActiveSheet.Name, "selected": selected, "sheets": sheets}


@call("calc.read")
def calc_read(arguments):
    document = table()
    if "range" in arguments:
        cells = within_used(document, arguments)
    else:
        sheet = sheet_named(document, arguments.get("sheet"))
        cells = sheet.getCellRangeByPosition(*used_area(sheet))
    sheet, at = cells.Spreadsheet, cells.RangeAddress
    wide = at.EndColumn - at.StartColumn + 1
    rows, size, row = [], 0, at.StartRow
    # A hundred rows at a time: nobody knows how long their texts are.
    while row <= at.EndRow and size < TOLD_MAX:
        last = min(row + max(100 // wide, 1) - 1, at.EndRow)
        part = sheet.getCellRangeByPosition(at.StartColumn, row, at.EndColumn, last)
        for nth, read in enumerate(read_rows(part, arguments.get("what", "values"), wide)):
            line = [clip(value, 1000) if isinstance(value, str) else plain(value) for value in read]
            size += len(json.dumps(line, ensure_ascii=False)) + 2
            if size >= TOLD_MAX and rows:
                break
            rows.append(line)
            row += 1
        else:
            continue
        break
    told = {"range": range_name(sheet, at.StartColumn, at.StartRow, at.EndColumn, max(row - 1, at.StartRow)), "rows": rows}
    if row <= at.EndRow:
        told["more"] = range_name(sheet, at.StartColumn, row, at.EndColumn, at.EndRow)
    return told


def read_rows(part, what, wide):
    if what == "formulas":
        return part.getFormulaArray()
    if what == "shown":
        at = part.RangeAddress
        return [[part.getCellByPosition(column, row).String for column in range(wide)] for row in range(at.EndRow - at.StartRow + 1)]
    rows = [list(row) for row in part.getDataArray()]
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            # What is wrong with a cell is only in what it shows.
            if value is None or (isinstance(value, float) and value != value):
                row[x] = part.getCellByPosition(x, y).String
    return rows


@call("calc.write")
def calc_write(arguments):
    document = table()
    rows = arguments["values"]
    if not rows or not rows[0]:
        raise Refused("there is nothing to write: values is a list of rows, each a list of cells")
    for nth, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise Refused("the rows have different lengths: the first has %d cells, row %d has %d" % (len(rows[0]), nth, len(row)))
    sheet, left, top, right, bottom = place(document, arguments, "at")
    wide, high = len(rows[0]), len(rows)
    if (right, bottom) != (left, top) and (right - left + 1, bottom - top + 1) != (wide, high):
        raise Refused("at has %d columns and %d rows, values %d and %d: name the first cell only" % (right - left + 1, bottom - top + 1, wide, high))
    if left + wide > sheet.Columns.Count or top + high > ROWS_MAX or wide * high > CELLS_MAX:
        raise Refused("so much has no room there; %d cells are the most at once" % CELLS_MAX)
    cells = sheet.getCellRangeByPosition(left, top, left + wide - 1, top + high - 1)
    with change(document, "Write cells"):
        cells.setDataArray(tuple(tuple(as_data(value) for value in row) for row in rows))
    return {"written": cells_name(cells)}


def as_data(value):
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        return float(value)
    return value if value is not None else ""


@call("calc.formula")
def calc_formula(arguments):
    document = table()
    formula = arguments["formula"].strip()
    if not formula.startswith("="):
        raise Refused("a formula begins with =, as in =SUM(A1:A9); calc.write writes texts and numbers")
    if REACHING.search(formula):
        raise Refused("a formula that reaches files, programs or the network is not written, nor INDIRECT: write the reference itself")
    cells = bounded(cells_of(document, arguments))
    first = cells.getCellByPosition(0, 0)
    at = cells.RangeAddress
    with change(document, "Write a formula"):
        first.setFormula(formula)
        if first.getError() in MALFORMED:
            raise Refused("this is no formula: Calc shows %s. Names of functions are English, and arguments are separated by ;" % first.String)
        if at.EndRow > at.StartRow:
            cells.Spreadsheet.getCellRangeByPosition(at.StartColumn, at.StartRow, at.StartColumn, at.EndRow).fillAuto(enum("sheet.FillDirection", "TO_BOTTOM"), 1)
        if at.EndColumn > at.StartColumn:
            cells.fillAuto(enum("sheet.FillDirection", "TO_RIGHT"), 1)
    last = cells.getCellByPosition(at.EndColumn - at.StartColumn, at.EndRow - at.StartRow)
    return {"written": cells_name(cells), "first": clip(first.String, 200), "last": clip(last.String, 200)}


@call("calc.clear")
def calc_clear(arguments):
    document = table()
    cells = cells_of(document, arguments)
    flags = {"contents": 1 | 2 | 4 | 16, "format": 32 | 64, "all": 1023}[arguments.get("what", "contents")]
    with change(document, "Clear cells"):
        cells.clearContents(flags)
    return {"cleared": cells_name(cells)}


@call("calc.select")
def calc_select(arguments):
    document = table()
    cells = cells_of(document, arguments)
    document.CurrentController.setActiveSheet(cells.Spreadsheet)
    document.CurrentController.select(cells)
    return {"selected": cells_name(cells)}


@call("calc.sort")
def calc_sort(arguments):
    document = table()
    cells = within_used(document, arguments)
    at = cells.RangeAddress
    fields = []
    for by in arguments["by"]:
        match = COLUMN.match(by["column"].strip())
        number = column_number(match[1]) if match else -1
        if not at.StartColumn <= number <= at.EndColumn:
            raise Refused("column " + repr(by["column"][:20]) + " is not in " + cells_name(cells) + "; columns are written as letters")
        field = new("table.TableSortField")
        field.Field, field.IsAscending = number - at.StartColumn, not by.get("descending", False)
        fields.append(field)
    how = (
        prop("SortFields", a_list("table.TableSortField", fields)), prop("ContainsHeader", bool(arguments.get("header", False))),
        prop("BindFormatsToContent", True), prop("IsSortColumns", False),
    )
    with change(document, "Sort"):
        cells.sort(how)
    return {"sorted": cells_name(cells)}


@call("calc.replace")
def calc_replace(arguments):
    document = table()
    where = within_used(document, arguments) if "range" in arguments else sheet_named(document, arguments.get("sheet"))
    pattern = re.escape(arguments["find"])
    pattern = re.compile(r"\A" + pattern + r"\Z" if arguments.get("whole_cell") else pattern, 0 if arguments.get("match_case") else re.IGNORECASE)
    changed = 0
    # Texts only, and what is written stays a text: LibreOffice's own replacement would make formulas of texts.
    found = where.queryContentCells(4)
    with change(document, "Replace"):
        for cells in items_of(found, CELLS_MAX):
            bounded(cells)
            before = cells.getDataArray()
            after = tuple(tuple(pattern.sub(lambda _: arguments["replace"], value) if isinstance(value, str) else value for value in row) for row in before)
            if after != before:
                changed += sum(one != other for row, fresh in zip(before, after) for one, other in zip(row, fresh))
                cells.setDataArray(after)
    return {"cells_changed": changed}


FORMATS = LETTERS + ("background", "number_format", "horizontal", "vertical", "wrap", "border")


@call("calc.format")
def calc_format(arguments):
    document = table()
    one_of(arguments, FORMATS)
    cells = cells_of(document, arguments)
    with change(document, "Format cells"):
        letters(cells, arguments)
        if "background" in arguments:
            cells.CellBackColor = colour(arguments["background"])
        if "number_format" in arguments:
            cells.NumberFormat = number_format(document, arguments["number_format"])
        if "horizontal" in arguments:
            names = {"left": "LEFT", "center": "CENTER", "right": "RIGHT", "justify": "BLOCK", "default": "STANDARD"}
            cells.HoriJustify = enum("table.CellHoriJustify", names[arguments["horizontal"]])
        if "vertical" in arguments:
            cells.VertJustify = {"top": 1, "middle": 2, "bottom": 3}[arguments["vertical"]]
        if "wrap" in arguments:
            cells.IsTextWrapped = bool(arguments["wrap"])
        if "border" in arguments:
            line = new("table.BorderLine2")
            line.OuterLineWidth = line.LineWidth = 26 if arguments["border"] else 0
            border = cells.TableBorder
            for side in ("Top", "Bottom", "Left", "Right", "Horizontal", "Vertical"):
                setattr(border, side + "Line", line)
                setattr(border, "Is" + side + "LineValid", True)
            cells.TableBorder = border
    return {"formatted": cells_name(cells)}


def number_format(document, text):
    formats, plain_locale = document.NumberFormats, new("lang.Locale")
    key = formats.queryKey(text, plain_locale, False)
    if key < 0:
        try:
            key = formats.addNew(text, plain_locale)
        except Exception:
            raise Refused("this is no number format: " + repr(text[:60]) + "; one is written as in #,##0.00, 0%, YYYY-MM-DD or @") from None
    return key


@call("calc.merge")
def calc_merge(arguments):
    document = table()
    cells = bounded(cells_of(document, arguments))
    with change(document, "Merge cells"):
        cells.merge(bool(arguments.get("merged", True)))
    return {"range": cells_name(cells), "merged": bool(cells.IsMerged)}


def lines_of(document, arguments, is_rows):
    """Whole columns or rows, with which they are."""
    sheet, left, top, right, bottom = place(document, arguments, "range")
    cells = sheet.getCellRangeByPosition(left, top, right, bottom)
    if is_rows and bottom == ROWS_MAX - 1 and top == 0:
        cells = sheet.getCellRangeByPosition(0, 0, 0, used_area(sheet)[3])
    return cells, cells.Rows if is_rows else cells.Columns


def resize(arguments, is_rows):
    """Columns or rows, as wide or high as is wanted."""
    lines, length = ("Rows", "Height") if is_rows else ("Columns", "Width")
    measure = length.lower() + "_mm"
    document = table()
    one_of(arguments, (measure, "fit", "hidden"))
    cells, resized = lines_of(document, arguments, is_rows)
    with change(document, lines):
        if measure in arguments:
            setattr(resized, length, int(arguments[measure] * MM))
        if arguments.get("fit"):
            setattr(resized, "Optimal" + length, True)
        if "hidden" in arguments:
            resized.IsVisible = not arguments["hidden"]
    return {lines.lower(): cells_name(cells), measure: getattr(resized.getByIndex(0), length) / MM}


@call("calc.columns")
def calc_columns(arguments):
    return resize(arguments, False)


@call("calc.rows")
def calc_rows(arguments):
    return resize(arguments, True)


def whole(document, arguments):
    sheet, left, top, right, bottom = place(document, arguments, "range")
    if bottom - top == ROWS_MAX - 1:
        return sheet.Columns, left, right - left + 1
    if right - left == sheet.Columns.Count - 1:
        return sheet.Rows, top, bottom - top + 1
    raise Refused("whole columns are written B:D, whole rows 2:9")


@call("calc.insert")
def calc_insert(arguments):
    document = table()
    lines, first, count = whole(document, arguments)
    with change(document, "Insert"):
        lines.insertByIndex(first, count)
    return {"inserted": arguments["range"]}


@call("calc.remove")
def calc_remove(arguments):
    document = table()
    lines, first, count = whole(document, arguments)
    with change(document, "Remove"):
        lines.removeByIndex(first, count)
    return {"removed": arguments["range"]}


def sheet_at(document, name):
    return list(document.Sheets.ElementNames).index(name)


def free_name(document, name):
    if document.Sheets.hasByName(name):
        raise Refused("there is a sheet " + repr(name[:60]) + " already")
    if not name.strip() or re.search(r"[\[\]*?:/\\]", name) or name.startswith("'") or name.endswith("'"):
        raise Refused("a sheet's name is not empty and has none of []*?:/\\")
    return name


def position(document, arguments, default):
    return min(arguments["position"] - 1, document.Sheets.Count) if "position" in arguments else default


@call("calc.activate_sheet")
def calc_activate_sheet(arguments):
    document = table()
    document.CurrentController.setActiveSheet(sheet_named(document, arguments["sheet"]))
    return {"active": arguments["sheet"]}


@call("calc.add_sheet")
def calc_add_sheet(arguments):
    document = table()
    name = free_name(document, arguments["name"])
    with change(document, "Add a sheet"):
        document.Sheets.insertNewByName(name, position(document, arguments, document.Sheets.Count))
    return {"sheets": list(document.Sheets.ElementNames[:50])}


@call("calc.rename_sheet")
def calc_rename_sheet(arguments):
    document = table()
    sheet = sheet_named(document, arguments["sheet"])
    name = free_name(document, arguments["name"])
    with change(document, "Rename a sheet"):
        sheet.Name = name
    return {"sheets": list(document.Sheets.ElementNames[:50])}


@call("calc.copy_sheet")
def calc_copy_sheet(arguments):
    document = table()
    sheet = sheet_named(document, arguments["sheet"])
    name = free_name(document, arguments["name"])
    with change(document, "Copy a sheet"):
        document.Sheets.copyByName(sheet.Name, name, position(document, arguments, sheet_at(document, sheet.Name) + 1))
    return {"sheets": list(document.Sheets.ElementNames[:50])}


@call("calc.move_sheet")
def calc_move_sheet(arguments):
    document = table()
    sheet = sheet_named(document, arguments["sheet"])
    now, then = sheet_at(document, sheet.Name), position(document, arguments, 0)
    with change(document, "Move a sheet"):
        # It is put before the one that is there, counted while it is still where it was.
        document.Sheets.moveByName(sheet.Name, then + 1 if then > now else then)
    return {"sheets": list(document.Sheets.ElementNames[:50])}


@call("calc.remove_sheet")
def calc_remove_sheet(arguments):
    document = table()
    sheet = sheet_named(document, arguments["sheet"])
    if document.Sheets.Count == 1:
        raise Refused("it is the only sheet, and a table has one at least")
    with change(document, "Remove a sheet"):
        document.Sheets.removeByName(sheet.Name)
    return {"sheets": list(document.Sheets.ElementNames[:50])}


@call("calc.transpose")
def calc_transpose(arguments):
    document = table()
    cells = bounded(within_used(document, arguments))
    rows = cells.getDataArray()
    turned = tuple(zip(*rows))
    sheet, left, top, *_ = place(document, arguments, "to")
    if left + len(rows) > sheet.Columns.Count or top + len(turned) > ROWS_MAX:
        raise Refused("so much has no room there")
    target = sheet.getCellRangeByPosition(left, top, left + len(rows) - 1, top + len(turned) - 1)
    with change(document, "Transpose"):
        target.setDataArray(turned)
    return {"written": cells_name(target)}


@call("calc.reorder_columns")
def calc_reorder_columns(arguments):
    document = table()
    sheet = sheet_named(document, arguments.get("sheet"))
    left, top, right, bottom = used_area(sheet)
    wanted = []
    for name in arguments["columns"]:
        match = COLUMN.match(name.strip())
        wanted.append(column_number(match[1]) if match else -1)
    if sorted(wanted) != list(range(left, right + 1)):
        names = ", ".join(column_name(number) for number in range(left, right + 1))
        raise Refused("each column that is used is named once, in the new order; they are: " + names[:300])
    count = len(wanted)
    with change(document, "Reorder columns"):
        # Moved, not copied: what formulas refer to moves along.
        sheet.Columns.insertByIndex(right + 1, count)
        for nth, number in enumerate(wanted):
            source = sheet.getCellRangeByPosition(number, top, number, bottom)
            width = sheet.Columns.getByIndex(number).Width
            sheet.moveRange(sheet.getCellByPosition(right + 1 + nth, top).CellAddress, source.RangeAddress)
            sheet.Columns.getByIndex(right + 1 + nth).Width = width
        sheet.Columns.removeByIndex(left, count)
    return {"reordered": range_name(sheet, left, top, right, bottom)}


@call("calc.validation")
def calc_validation(arguments):
    document = table()
    cells = cells_of(document, arguments)
    with change(document, "Allowed values"):
        validation = cells.Validation
        validation.Type = enum("sheet.ValidationType", "LIST")
        validation.ShowList = 1
        validation.IgnoreBlankCells = True
        validation.setFormula1(";".join('"' + value.replace('"', '""') + '"' for value in arguments["list"]))
        cells.Validation = validation
    return {"range": cells_name(cells), "allowed": len(arguments["list"])}


@call("calc.freeze")
def calc_freeze(arguments):
    document = table()
    if "sheet" in arguments:
        document.CurrentController.setActiveSheet(sheet_named(document, arguments["sheet"]))
    controller = document.CurrentController
    controller.freezeAtPosition(arguments.get("columns", 0), arguments.get("rows", 0))
    return {"frozen": bool(controller.hasFrozenPanes())}


@call("calc.zoom")
def calc_zoom(arguments):
    controller = table().CurrentController
    controller.ZoomType, controller.ZoomValue = 3, arguments["percent"]
    return {"percent": controller.ZoomValue}
