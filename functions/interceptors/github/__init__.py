"""The github interceptor: what it checks, and what it adds of changed files and pull requests."""

from functions.interceptors.github.interceptor import GitHubInterceptor, build

__all__ = ["GitHubInterceptor", "build"]
