"""Compares the scores of compare_table and of the functions over documents with those of OSWorld's own package, on generated files.

    cargo build --release -p tapwright-osworld --example score
    tapwright setup --osworld     # makes the environment with desktop-env, openpyxl and python-docx
    ~/.cache/tapwright/osworld-evaluator/bin/python tasks/suites/osworld/tests/differential.py --seeds 400

Files are drawn from seeds: a workbook or document, and a second one with none or some changes. Each pair goes through all rules and
functions, both ways round. Told are the counts of each, and every call that differs; where the package swallows what it could not do and
says 0, and here it is an error, that is counted apart. The exit code is 1 if anything else differs.
"""

import argparse
import collections
import contextlib
import copy
import importlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import math
import os
import random
import subprocess
import sys
import tempfile
import types
import warnings

WORDS = "apples figs limes North South total Q1 week 12 7.5 TRUE 2026-03-01 1e3 é 中文 a%b x;y".split() + ["two words", " padded ", ""]
RAREST = ("acoustid", "borb", "borb.pdf", "cv2", "easyocr", "fastdtw", "librosa")


def package():
    """The package's modules without its own imports of everything."""
    spec = importlib.util.find_spec("desktop_env")
    above = os.path.join(spec.submodule_search_locations[0], "evaluators", "metrics")
    for name in ("desktop_env.evaluators.metrics", "desktop_env.evaluators", "desktop_env"):
        module = types.ModuleType(name)
        module.__path__ = [above]
        sys.modules[name] = module
        above = os.path.dirname(above)
    for name in RAREST:
        if name.split(".")[0] in sys.modules or importlib.util.find_spec(name) is None:
            absent = types.ModuleType(name)
            absent.PDF = None
            sys.modules[name] = absent
    load = lambda name: importlib.import_module("desktop_env.evaluators.metrics." + name)
    return load("table"), load("docs")


def number(dice):
    return dice.choice([dice.randint(-5, 200), round(dice.uniform(-5, 200), dice.randint(0, 6)), dice.randint(0, 3), 0.1 + 0.2])


def cell(dice):
    return dice.choice([number(dice), number(dice), dice.choice(WORDS), None, dice.random() < 0.5, "=A1+1"])


def dress(sheet, dice):
    """One thing about a sheet that is no value."""
    from openpyxl.chart import BarChart, LineChart, Reference
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation
    at = sheet.cell(dice.randint(1, 5), dice.randint(1, 4))
    what = dice.randrange(12)
    if what == 0:
        at.font = Font(name=dice.choice(["Calibri", "Arial"]), bold=dice.random() < 0.5, italic=dice.random() < 0.5,
                       color=dice.choice([None, "FFFF0000", "FF00B050"]), size=dice.choice([10, 11, 14]))
    elif what == 1:
        at.fill = PatternFill(dice.choice(["solid", "lightGrid"]), fgColor=dice.choice(["FFFFFF00", "FF00FF00"]))
    elif what == 2:
        at.number_format = dice.choice(["0.00", "General", "#,##0", "0%", "yyyy-mm-dd"])
    elif what == 3:
        sheet.merge_cells(dice.choice(["A1:B1", "C3:D4"]))
    elif what == 4:
        sheet.freeze_panes = dice.choice(["A2", "B1", "C3"])
    elif what == 5:
        sheet.sheet_view.zoomScale = dice.choice([80, 100, 150, 260])
    elif what == 6:
        sheet.row_dimensions[dice.randint(1, 4)].height = dice.choice([20, 33.5])
    elif what == 7:
        sheet.column_dimensions[dice.choice("ABC")].hidden = dice.random() < 0.5
    elif what == 8:
        rule = DataValidation(type="list", formula1=dice.choice(['"a,b"', '"b,a"', '"a,b,c"']), allow_blank=dice.random() < 0.5)
        rule.add(dice.choice(["B2:B4", "C1"]))
        sheet.add_data_validation(rule)
    elif what == 9:
        chart = dice.choice([BarChart, LineChart])()
        chart.title = dice.choice([None, "Sales", "Week"])
        chart.add_data(Reference(sheet, min_col=1, max_col=dice.randint(1, 2), min_row=1, max_row=4), titles_from_data=dice.random() < 0.5)
        sheet.add_chart(chart, dice.choice(["F2", "G8"]))
    elif what == 10:
        sheet.auto_filter.ref = dice.choice(["A1:C4", "A1:B3"])
    elif type(at).__name__ == "Cell":  # One that another covers has none.
        at.hyperlink = dice.choice(["https://example.org/", "https://example.org/a"])
        at.alignment = Alignment(horizontal=dice.choice(["center", "left"]))


def workbook(dice):
    from openpyxl import Workbook
    book = Workbook()
    for nth in range(dice.randint(1, 2)):
        sheet = book.active if nth == 0 else book.create_sheet(dice.choice(["Sheet2", "Data", "Sum up"]))
        for row in range(1, dice.randint(2, 6)):
            for column in range(1, dice.randint(2, 5)):
                sheet.cell(row, column).value = cell(dice)
        for _ in range(dice.choice([0, 0, 1, 3])):
            dress(sheet, dice)
    return book


def alter_book(book, dice):
    for _ in range(dice.choice([0, 1, 1, 2])):
        sheet = dice.choice(book.worksheets)
        at = sheet.cell(dice.randint(1, 5), dice.randint(1, 4))
        what = dice.randrange(5)
        if what == 0 and isinstance(at.value, float):
            at.value += dice.choice([1e-9, 1e-5, 1e-3])
        elif what <= 2 and type(at).__name__ == "Cell":
            at.value = cell(dice)
        elif what == 3:
            dress(sheet, dice)
        else:
            sheet.title = dice.choice(["Sheet", "Sheet1", "Data"])


def table_rules(dice):
    """One rule of each kind that both sides compute."""
    pair = lambda kind, **more: dict(type=kind, sheet_idx0=0, sheet_idx1="EI0", **more)
    exact = dice.random() < 0.5
    return [
        [dict(type="sheet_name")],
        [pair("sheet_data", precision=dice.choice([1, 4, 8]))],
        [dict(type="sheet_data", sheet_idx0="RNSheet", sheet_idx1="EI-1")],
        [pair("style", props=dice.sample(["number_format", "font_name", "font_bold", "font_color", "font_italic", "fgcolor", "bgcolor",
                                          "font_size", "hyperlink", "merge"], dice.randint(1, 3)))],
        [pair("freeze")], [pair("chart", chart_props=dice.sample(["type", "title", "direction"], dice.randint(1, 2)))],
        [dict(type="zoom", sheet_idx=0, method=dice.choice(["eq", "gt", "le"]), ref=dice.choice([100, 150, 260]))],
        [dict(type="data_validation", sheet_idx=0, dv_props=[dict(
            ranges=dict(method="spreadsheet_range", ref=["B2:B4"]), type=dict(method="eq", ref="list"),
            formula1=dict(method="str_set_eq", ref=["a", "b"]))])],
        [pair("row_props", props=["height"])], [pair("col_props", props=dice.choice([["hidden"], ["width"]]))],
        [dict(type="check_cell", sheet_idx=0, coordinate=dice.choice(["A1", "B2", "C3"]), props=dict(
            value=dict(method=dice.choice(["eq", "ne", "approx:0.01" if exact else "re"]), ref=dice.choice([1, 12, "apples", "12"]))))],
        [pair("sheet_fuzzy", rules=[dict(range=["A1:B3"], type=dice.choice(["exact_match", "includes", "fuzzy_match"]),
                                         threshold=80, trim_leadings=" ", normalization=[["\u00a0", " "]])])],
        [dict(type="sheet_name"), pair("sheet_data"), pair("freeze")],
    ]


def paragraph(document, dice):
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_COLOR_INDEX, WD_TAB_ALIGNMENT
    from docx.shared import Pt, RGBColor
    made = document.add_paragraph(style=dice.choice([None, None, "Heading 1", "List Bullet"]))
    for _ in range(dice.randint(0, 3)):
        run = made.add_run(" ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 5))) + dice.choice(["", ". ", "\t", "\n"]))
        font = run.font
        if dice.random() < 0.5:
            font.name, font.size = dice.choice(["Times New Roman", "Arial", None]), dice.choice([None, Pt(14), Pt(12)])
            font.italic, font.strike, font.subscript = (dice.choice([None, True, False]) for _ in range(3))
            font.highlight_color = dice.choice([None, None, WD_COLOR_INDEX.YELLOW, WD_COLOR_INDEX.RED])
            font.color.rgb = dice.choice([None, RGBColor(255, 0, 0), RGBColor(0, 0, 255)])
        if dice.random() < 0.08:
            run.add_break(WD_BREAK.PAGE)
    made.alignment = dice.choice([None, None, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT])
    made.paragraph_format.line_spacing = dice.choice([None, None, 1.0, 1.5, 2.0, Pt(18)])
    if dice.random() < 0.2:
        made.paragraph_format.tab_stops.add_tab_stop(Pt(dice.choice([72, 200])), dice.choice([WD_TAB_ALIGNMENT.LEFT, WD_TAB_ALIGNMENT.RIGHT]))
    return made


def document(dice):
    from docx import Document
    made = Document()
    for _ in range(dice.randint(1, 5)):
        paragraph(made, dice)
    if dice.random() < 0.5:
        table = made.add_table(dice.randint(1, 3), dice.randint(1, 3))
        for row in table.rows:
            for one in row.cells:
                one.text = dice.choice(WORDS)
    if dice.random() < 0.3:
        made.sections[0].footer.paragraphs[0].text = dice.choice(["1", "page 2", "page", ""])
    return made


def alter_document(made, dice):
    for _ in range(dice.choice([0, 1, 1, 2])):
        what = dice.randrange(5)
        chosen = dice.choice(made.paragraphs)
        if what == 0:
            paragraph(made, dice)
        elif what == 1:
            chosen.text = chosen.text.upper()
        elif what == 2 and chosen.runs:
            run = dice.choice(chosen.runs)
            run.font.subscript, run.font.strike, run.text = True, True, run.text + dice.choice(["", " x", " "])
        elif what == 3 and made.tables:
            made.tables[0].cell(0, 0).text = dice.choice(WORDS)
        else:
            chosen.paragraph_format.line_spacing = dice.choice([1.0, 1.5, 2.0])


def document_calls(one, other, dice):
    """(function, result, expected, options): what both sides compute of documents."""
    for name in ("compare_docx_tables", "compare_line_spacing", "compare_subscript_contains", "check_highlighted_words",
                 "evaluate_strike_through_last_paragraph", "compare_docx_images"):
        yield name, one, other, {}
    options = dict(ignore_blanks=dice.random() < 0.5, ignore_case=dice.random() < 0.5, ignore_order=dice.random() < 0.5,
                   content_only=dice.random() < 0.5, fuzzy_match=dice.random() < 0.3, delete_empty_lines=dice.random() < 0.3)
    yield "compare_docx_files", one, other, {key: value for key, value in options.items() if value or dice.random() < 0.5}
    yield "compare_docx_files_and_ignore_new_lines", one, other, {}
    yield "check_tabstops", one, other, dict(word_number_split_by_tabstop=dice.randint(1, 3), index=dice.choice([0, 1]))
    yield "evaluate_colored_words_in_tables", one, other, {}
    yield "is_first_line_centered", one, None, {}
    yield "has_page_numbers_in_footers", one, None, {}
    yield "contains_page_break", one, dict(page_break_count=dice.choice([0, 1, 2])), {}
    yield "compare_font_names", one, dict(font_name=dice.choice(["Arial", "Times New Roman"])), {}
    yield "check_italic_font_size_14", one, other, {}


def theirs(function, result, expected, options):
    """Its score, or why there is none."""
    try:
        # Some change what they were given.
        given = [] if expected is None else [copy.deepcopy(expected)]
        with contextlib.redirect_stdout(io.StringIO()):
            score = float(function(result, *given, **copy.deepcopy(options)))
        return score if math.isfinite(score) else "no number"
    except BaseException as error:
        return type(error).__name__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=150, help="how many pairs of workbooks, and as many of documents")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--score", default="target/release/examples/score", help="the built example `score`")
    parser.add_argument("--show", type=int, default=10, help="how many calls that differ are told of each function")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    table, docs = package()
    calls, scores = [], []
    with tempfile.TemporaryDirectory() as folder:
        def keep(made, seed, name, ending):
            path = os.path.join(folder, f"{seed}-{name}.{ending}")
            made.save(path)
            return path
        for seed in range(asked.first, asked.first + asked.seeds):
            for ending, draw, alter in (("xlsx", workbook, alter_book), ("docx", document, alter_document)):
                one, other = draw(random.Random(seed)), draw(random.Random(seed))
                alter(other, random.Random(seed + 1))
                paths = [keep(one, seed, "one", ending), keep(other, seed, "other", ending)]
                for result, expected in (paths, paths[::-1]):
                    dice = random.Random(seed + 2)
                    if ending == "xlsx":
                        made = [("compare_table:" + rules[0]["type"], "compare_table", result, expected, dict(rules=rules)) for rules in table_rules(dice)]
                    else:
                        made = [(name, name, *rest) for name, *rest in document_calls(result, expected, dice)]
                    for label, name, result_is, expected_is, options in made:
                        function = getattr(table if name == "compare_table" else docs, name)
                        file = lambda value: {"$path": value} if isinstance(value, str) else value
                        call = dict(func=name, result=file(result_is), expected=file(expected_is), options=options)
                        calls.append((label, call))
                        scores.append(theirs(function, result_is, expected_is, options))
            if sys.stderr.isatty():
                print(f"\r{len(calls)} calls", end="", file=sys.stderr)
        lines = "".join(json.dumps(call) + "\n" for _, call in calls)
        ours = subprocess.run([asked.score], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    counts, differ = collections.Counter(), collections.defaultdict(list)
    swallowed, reasons, both = collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter)
    for (label, call), score, line in zip(calls, scores, ours, strict=True):
        answer = json.loads(line)
        counts[label] += 1
        if "error" in answer:
            if isinstance(score, str):
                both[label]["error"] += 1
            elif score == 0.0:
                swallowed[label] += 1
                reasons[label, answer["error"]] += 1
            else:
                differ[label].append((call, score, answer))
        elif isinstance(score, float) and abs(score - answer["score"]) < 1e-9:
            both[label][answer["score"]] += 1
        else:
            differ[label].append((call, score, answer))
    print(f"desktop-env {importlib.metadata.version('desktop-env')}, seeds {asked.first} to {asked.first + asked.seeds - 1}")
    print(f"{'function':48} {'calls':>6} {'equal':>6} {'of those 0, 1, between, error':>30} {'error for 0':>12} {'differ':>7}")
    for label in sorted(counts):
        of = both[label]
        between = sum(count for score, count in of.items() if score not in (0.0, 1.0, "error"))
        shares = f"{of[0.0]}, {of[1.0]}, {between}, {of['error']}"
        print(f"{label:48} {counts[label]:6} {sum(of.values()):6} {shares:>30} {swallowed[label]:12} {len(differ[label]):7}")
    found = sum(map(len, differ.values()))
    print(f"{len(calls)} comparisons, {sum(swallowed.values())} of them errors for the package's 0, {found} differ")
    for (label, why), count in sorted(reasons.items()):
        print(f"{label}: {count} errors for 0: {why}")
    for label, all_of_it in sorted(differ.items()):
        for call, score, answer in all_of_it[:asked.show]:
            print(f"{label}: theirs {score}, ours {json.dumps(answer)}: {json.dumps(call)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
