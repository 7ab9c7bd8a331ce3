"""Settings of the documentation site (Sphinx). scripts/docs builds it, after docs/reference_pages.py has written the pages that come out of the code."""

project = "Freestone"
copyright = "the Freestone authors"
author = "the Freestone authors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Blocks that name no language are commands, output or diagrams.
highlight_language = "none"

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False

# `dtype` in a docstring is NumPy's, not an attribute that happens to have the name.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "Freestone"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
