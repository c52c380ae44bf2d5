

# Tables: charts and pivot tables.

DIAGRAMS = {"column": "BarDiagram", "bar": "BarDiagram", "line": "LineDiagram", "pie": "PieDiagram", "scatter": "XYDiagram", "area": "AreaDiagram"}
FUNCTIONS = ("sum", "count", "average", "max", "min", "product")
LEGENDS = {"left": "LEFT", "right": "RIGHT", "top": "TOP", "bottom": "BOTTOM", "none": "NONE"}


def chart_named(document, arguments):
    found = []
    for sheet in items_of(document.Sheets, 100):
        for name in sheet.Charts.ElementNames:
            if name == arguments.get("chart"):
                return sheet.Charts.getByName(name)
            found.append((sheet, name))
    if "chart" not in arguments and len(found) == 1:
        return found[0][0].Charts.getByName(found[0][1])
    raise Refused("name one of the charts: " + (", ".join(name for _, name in found[:20]) or "there is none"))


def dress(chart, arguments):
    """What a chart is, and what stands around it."""
    inner = chart.EmbeddedObject
    is_round = arguments["kind"] == "pie" if "kind" in arguments else "Pie" in inner.getDiagram().getDiagramType()
    if is_round and ("x_title" in arguments or "y_title" in arguments):
        raise Refused("a pie has no axes")
    if "kind" in arguments:
        inner.setDiagram(inner.createInstance("com.sun.star.chart." + DIAGRAMS[arguments["kind"]]))
        if arguments["kind"] in ("column", "bar"):
            inner.getDiagram().Vertical = arguments["kind"] == "bar"
    if "title" in arguments:
        inner.HasMainTitle = bool(arguments["title"])
        if arguments["title"]:
            inner.Title.String = arguments["title"]
    if "legend" in arguments:
        inner.HasLegend = arguments["legend"] != "none"
        if inner.HasLegend:
            inner.Legend.Alignment = enum("chart.ChartLegendPosition", LEGENDS[arguments["legend"]])
    for key, axis in (("x_title", "XAxis"), ("y_title", "YAxis")):
        if key in arguments:
            diagram = inner.getDiagram()
            setattr(diagram, "Has" + axis + "Title", bool(arguments[key]))
            if arguments[key]:
                getattr(diagram, axis + "Title").String = arguments[key]


@call("calc.chart")
def calc_chart(arguments):
    document = table()
    cells = within_used(document, arguments)
    if arguments.get("kind") == "pie" and ("x_title" in arguments or "y_title" in arguments):
        raise Refused("a pie has no axes")
    if "at" in arguments:
        sheet, left, top, *_ = place(document, arguments, "at")
        anchor = sheet.getCellByPosition(left, top).Position
    else:
        sheet = cells.Spreadsheet
        anchor = sheet.getCellByPosition(min(cells.RangeAddress.EndColumn + 2, sheet.Columns.Count - 1), cells.RangeAddress.StartRow).Position
    area = new("awt.Rectangle")
    area.X, area.Y = anchor.X, anchor.Y
    area.Width, area.Height = arguments.get("width_mm", 120) * MM, arguments.get("height_mm", 80) * MM
    names = sheet.Charts.ElementNames
    name = next("Chart %d" % number for number in range(1, 10000) if "Chart %d" % number not in names)
    with change(document, "Insert a chart"):
        columns, rows = bool(arguments.get("header_row", True)), bool(arguments.get("header_column", True))
        sheet.Charts.addNewByName(name, area, (cells.RangeAddress,), columns, rows)
        dress(sheet.Charts.getByName(name), {"kind": "column", **arguments})
    return {"chart": name, "sheet": sheet.Name, "of": cells_name(cells)}


@call("calc.change_chart")
def calc_change_chart(arguments):
    document = table()
    one_of(arguments, ("kind", "title", "legend", "x_title", "y_title"))
    chart = chart_named(document, arguments)
    with change(document, "Change a chart"):
        dress(chart, arguments)
    return {"chart": chart.Name}


@call("calc.pivot")
def calc_pivot(arguments):
    document = table()
    cells = within_used(document, arguments)
    header = [str(plain(value)) for value in cells.getDataArray()[0]]
    for key, wanted in (("rows", arguments.get("rows", [])), ("columns", arguments.get("columns", [])), ("values", [value["field"] for value in arguments["values"]])):
        for name in wanted:
            if name not in header:
                raise Refused(repr(name[:60]) + " in " + key + " is no name in the first row; there are: " + ", ".join(header)[:300])
    if not arguments["values"]:
        raise Refused("values has no field: name what is summed up, as in [{\"field\": \"Amount\", \"function\": \"sum\"}]")
    sheet, left, top, *_ = place(document, arguments, "to")
    tables = sheet.DataPilotTables
    made = tables.createDataPilotDescriptor()
    made.setSourceRange(cells.RangeAddress)
    fields = made.DataPilotFields
    orientation = "sheet.DataPilotFieldOrientation"
    for name in arguments.get("rows", []):
        fields.getByName(name).Orientation = enum(orientation, "ROW")
    for name in arguments.get("columns", []):
        fields.getByName(name).Orientation = enum(orientation, "COLUMN")
    for value in arguments["values"]:
        field = fields.getByName(value["field"])
        field.Orientation = enum(orientation, "DATA")
        field.Function = enum("sheet.GeneralFunction", value.get("function", "sum").upper())
    name = next("Pivot %d" % number for number in range(1, 10000) if not tables.hasByName("Pivot %d" % number))
    with change(document, "Insert a pivot table"):
        tables.insertNewByName(name, sheet.getCellByPosition(left, top).CellAddress, made)
    return {"pivot": name, "at": address_name(tables.getByName(name).OutputRange, document)}


def address_name(at, document):
    return range_name(document.Sheets.getByIndex(at.Sheet), at.StartColumn, at.StartRow, at.EndColumn, at.EndRow)
