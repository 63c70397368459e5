# Prints what is wrong with the XML on the standard input by the XSD in the first
# argument, a line each, and then ends with 3: 1 is Python's own, of a traceback.
import sys

import xmlschema

errors = list(xmlschema.XMLSchema(sys.argv[1]).iter_errors(sys.stdin.buffer.read()))
for e in errors:
    print(f"{e.path}: {e.reason}")
sys.exit(3 if errors else 0)
