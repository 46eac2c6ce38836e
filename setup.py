"""What pyproject.toml cannot say: what is installed has a home of its own, `pipehook`, and nothing lies beside it."""

from setuptools import find_packages, setup

TREE = "pipehook.tree"
packages = [f"{TREE}.{name}" for name in find_packages(include=["functions", "functions.*"])]

setup(
    packages=["pipehook", *packages],
    package_dir={"pipehook": "functions/cli/installed", f"{TREE}.functions": "functions"},
    package_data={
        f"{TREE}.functions": ["**/*.json", "cli/inspector/templates/*.html", "cli/inspector/static/*.css"],
    },
)
