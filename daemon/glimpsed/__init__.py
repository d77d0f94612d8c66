"""glimpsed watches picture folders and answers "where is that picture?" in any language."""

__version__ = "0.1.0"
