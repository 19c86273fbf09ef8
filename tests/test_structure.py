"""The sizes and shapes this project keeps, measured: small modules, small functions, no knots, and tests to match."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import msgspec
import pytest

from cds_service.fhir import resources
from cds_service.fhir.resources import Lenient, Resource

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cds_service"
SOURCES = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {path: ast.parse(text) for path, text in SOURCES.items()}
RULES = [path for path in sorted((ROOT / "rules").rglob("*.yaml")) if "codes" not in path.parts]

MOST_POSITIONAL = 4
MORE_POSITIONAL = {
    "judging.make_child": "what a child is read with, in the order of the call",
    "facts.findings.timing.rank": "one claim with everything its weight depends on",
    "facts.history.results._take": "a reading step that notes problems",
    "facts.history.words.sentence": "the parts of a sentence in the order they are said",
    "rules.topic_judge._Table.__init__": "an order with everything one topic judges it by",
    "rules.tuning._choice": "a reading step that notes problems",
    "rules.tuning.read_site": "a reading step that notes problems",
}
"""Functions with more positional arguments than that, and why they may."""

NO_NAMES = {"utils", "util", "helpers", "helper", "base", "manager", "managers", "misc", "common"}


def name_of(path: Path) -> str:
    """The dotted name of a module of the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def docstring(node: ast.AST) -> Iterator[int]:
    """The lines of the docstrings in the body of *node*, those under attributes included."""
    for one in getattr(node, "body", ()):
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
            yield from range(one.lineno, (one.end_lineno or one.lineno) + 1)


def lines(text: str) -> int:
    """Lines of code: no blank ones, no comments, no docstrings."""
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    said = {line for node in ast.walk(ast.parse(text)) if isinstance(node, holders) for line in docstring(node)}
    numbered = enumerate(text.splitlines(), 1)
    return sum(bool(line.strip()) and line.strip()[0] != "#" and number not in said for number, line in numbered)


def functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function under *node* by its dotted name."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}.{one.name}"
            if not isinstance(one, ast.ClassDef):
                yield name, one
            yield from functions(one, name)


FUNCTIONS = {
    name: function
    for path, tree in TREES.items()
    for name, function in functions(tree, name_of(path).removeprefix("cds_service."))
}


def length(function: ast.AST) -> int:
    """The lines of a function without its docstring."""
    return function.end_lineno - function.lineno + 1 - len(list(docstring(function)))


def positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many arguments can be given by position, without self."""
    given = [*function.args.posonlyargs, *function.args.args]
    return len(given) - (bool(given) and given[0].arg in ("self", "cls"))


def nine_in_ten(sizes: list[int]) -> int:
    """What nine in ten of *sizes* do not go beyond."""
    return statistics.quantiles(sizes, n=10)[-1]


def test_half_of_the_modules_are_short_and_nine_in_ten_not_long():
    sizes = [lines(text) for text in SOURCES.values()]
    assert statistics.median(sizes) < 100
    assert nine_in_ten(sizes) < 250


def test_half_of_the_functions_are_a_few_lines_and_nine_in_ten_fit_a_glance():
    sizes = [length(function) for function in FUNCTIONS.values()]
    assert len(sizes) > 1000
    assert statistics.median(sizes) < 9
    assert nine_in_ten(sizes) < 30


def test_four_arguments_the_rest_by_keyword():
    more = {name for name, function in FUNCTIONS.items() if positional(function) > MOST_POSITIONAL}
    assert more - set(MORE_POSITIONAL) == set(), "hand the rest over by keyword, or say above why not"
    assert set(MORE_POSITIONAL) - more == set(), "no longer an exception: take it out above"


def test_no_module_is_named_for_holding_anything():
    assert not {part for path in SOURCES for part in path.relative_to(PACKAGE).with_suffix("").parts} & NO_NAMES


# imports


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walked(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs; what stands there for type checkers only is left out."""
    for one in ast.iter_child_nodes(node):
        if not only_for_types(one):
            yield one
            yield from walked(one)


def imports(tree: ast.AST, modules: set[str]) -> Iterator[str]:
    """The modules of the package that this one imports, at its top or later."""
    for node in walked(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                yield inner if inner in modules else node.module


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one import cycle; none when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_import_leads_back_to_where_it_began():
    modules = {name_of(path) for path in SOURCES}
    graph = {name_of(path): set(imports(tree, modules)) - {name_of(path)} for path, tree in TREES.items()}
    assert sum(map(len, graph.values())) > len(graph)
    assert cycle(graph) == []


def test_a_cycle_would_be_seen():
    tree = ast.parse("def late():\n    from cds_service.b import x\nif TYPE_CHECKING:\n    import cds_service.c")
    modules = {"cds_service.a", "cds_service.b", "cds_service.c"}
    assert list(imports(tree, modules)) == ["cds_service.b"]
    assert cycle({"a": {"b"}, "b": {"a"}})


# rules


def fhir_words() -> set[str]:
    """Resource types and element names that are no English words."""
    kinds = [kind for kind in vars(resources).values() if isinstance(kind, type) and issubclass(kind, Lenient)]
    names = {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}
    names |= {kind.__name__ for kind in kinds}
    return {name for name in names if re.search(r"[a-z][A-Z]", name)} | {"resourceType", "fhirpath", "FHIR"}


PATH = re.compile(rf"\b({'|'.join(kind.__name__ for kind in Resource.__subclasses__())})\.[a-z]")


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules_speak_clinic_and_know_no_fhir(path):
    text = path.read_text()
    assert not set(re.findall(r"\w+", text)) & fhir_words()
    assert not PATH.search(text)


def test_fhir_words_would_be_seen():
    assert {"ServiceRequest", "reasonCode", "valueQuantity", "birthDate"} <= fhir_words()
    assert PATH.search("when Patient.birthDate") and not PATH.search("The Patient. Then")


# tests


def test_there_is_a_line_of_test_for_each_line_of_code():
    code = sum(map(lines, SOURCES.values()))
    tests = sum(lines(path.read_text()) for path in (ROOT / "tests").rglob("*.py"))
    scenarios = sum(
        bool(line.strip()) for path in (ROOT / "tests").rglob("*.yaml") for line in path.read_text().splitlines()
    )
    assert tests + scenarios >= code
