"""One module a page: `layout(release, selection, …) -> Page`. No SQL, no arrays: queries in, components out."""
