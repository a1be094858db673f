"""What a release offers, told to catalogues and search engines: DCAT-US, schema.org, CSVW, data package, sitemap."""
