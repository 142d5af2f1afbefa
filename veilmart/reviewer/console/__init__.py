"""An examiner's page: a small web server on their own machine, which signs with their key as no browser can."""
