"""The option of `./test --cluster`."""


def pytest_addoption(parser):
    parser.addoption(
        "--target",
        action="append",
        default=[],
        help="with --cluster: a file to make in place of the whole workflow, one that needs the "
        "SVAE and the judges of digits; may be repeated",
    )
