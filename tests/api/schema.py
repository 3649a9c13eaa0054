# schema.py - as much of JSON Schema as proto/openapi.yaml uses; an unknown keyword is an error.
# SPDX-License-Identifier: Apache-2.0
import json
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
ANNOTATIONS = {"description", "default", "example", "format", "summary"}


def is_type(value, name):
    if name in ("integer", "number"):
        wanted = int if name == "integer" else (int, float)
        return isinstance(value, wanted) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Validator:
    """Faults of values against the schemas of one document, as sentences."""

    def __init__(self, document):
        self.document = document

    def resolve(self, reference):
        value = self.document
        assert reference.startswith("#/"), reference
        for step in reference[2:].split("/"):
            value = value[step]
        return value

    def faults(self, value, schema, where="#"):
        found = []
        for keyword, argument in schema.items():
            if keyword not in ANNOTATIONS:
                found += getattr(self, "_" + keyword.strip("$"))(value, argument, schema, where)
        return found

    def _ref(self, value, reference, _, where):
        return self.faults(value, self.resolve(reference), where)

    def _type(self, value, names, _, where):
        names = names if isinstance(names, list) else [names]
        return [] if any(is_type(value, n) for n in names) else ["%s: %r is no %s" % (where, value, names)]

    def _enum(self, value, values, _, where):
        return [] if value in values else ["%s: %r is none of %s" % (where, value, values)]

    def _const(self, value, wanted, _, where):
        return [] if value == wanted else ["%s: %r is not %r" % (where, value, wanted)]

    def _required(self, value, names, _, where):
        if not isinstance(value, dict):
            return []
        return ["%s: %s is missing" % (where, name) for name in names if name not in value]

    def _properties(self, value, schemas, _, where):
        if not isinstance(value, dict):
            return []
        return [fault for name, schema in schemas.items() if name in value
                for fault in self.faults(value[name], schema, where + "/" + name)]

    def _additionalProperties(self, value, allowed, schema, where):
        if not isinstance(value, dict) or allowed is True:
            return []
        others = [name for name in value if name not in schema.get("properties", {})]
        if allowed is False:
            return ["%s: %s is not described" % (where, name) for name in others]
        return [f for name in others for f in self.faults(value[name], allowed, where + "/" + name)]

    def _items(self, value, schema, _, where):
        if not isinstance(value, list):
            return []
        return [f for i, one in enumerate(value) for f in self.faults(one, schema, "%s/%d" % (where, i))]

    def _minItems(self, value, least, _, where):
        return ["%s: too short" % where] if isinstance(value, list) and len(value) < least else []

    def _maxItems(self, value, most, _, where):
        return ["%s: too long" % where] if isinstance(value, list) and len(value) > most else []

    def _minimum(self, value, least, _, where):
        return ["%s: %r < %r" % (where, value, least)] if is_type(value, "number") and value < least else []

    def _maximum(self, value, most, _, where):
        return ["%s: %r > %r" % (where, value, most)] if is_type(value, "number") and value > most else []

    def _exclusiveMinimum(self, value, least, _, where):
        return ["%s: %r <= %r" % (where, value, least)] if is_type(value, "number") and value <= least else []

    def _pattern(self, value, pattern, _, where):
        good = not isinstance(value, str) or re.search(pattern, value)
        return [] if good else ["%s: %r is not %s" % (where, value, pattern)]

    def _uniqueItems(self, value, wanted, _, where):
        texts = [json.dumps(item, sort_keys=True) for item in value] if isinstance(value, list) else []
        return ["%s: an item is there twice" % where] if wanted and len(set(texts)) < len(texts) else []

    def _oneOf(self, value, schemas, _, where):
        each = [self.faults(value, schema, where) for schema in schemas]
        if sum(not faults for faults in each) == 1:
            return []
        return ["%s: not one of %d: %s" % (where, len(schemas), [f[:1] for f in each])]

    def _allOf(self, value, schemas, _, where):
        return [fault for schema in schemas for fault in self.faults(value, schema, where)]
