"""The check of table ownership finds violations, in trees of a few lines."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import table_ownership  # noqa: E402

TABLE = [{"name": "low", "tables": ["lows"]}, {"name": "high", "tables": ["highs"]}]


class TableOwnership(unittest.TestCase):
    def problems(self, files, crossings=()):
        tree = {"services/services.json": json.dumps(TABLE), "tests/checks/table_crossings.json": json.dumps(list(crossings)),
                "migrations/low/0001_tables.sql": "CREATE TABLE IF NOT EXISTS {lows} (id INT);\n",
                "migrations/high/0001_tables.sql": "CREATE TABLE IF NOT EXISTS {highs} (id INT REFERENCES {lows} (id));\n", **files}
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            return table_ownership.check(root)

    def finds(self, text, files, **k):
        found = self.problems(files, **k)
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_a_tree_in_order(self):
        self.assertEqual(self.problems({"services/low/a.cc": 'constexpr Statement kA = {"SELECT id"\n  " FROM {lows}"};  // not {highs}\n'}), [])

    def test_a_foreign_table_in_code(self):
        self.finds("services/high/a.cc:2: {lows} belongs to low", {"services/high/a.cc": '// 1\nX k = "SELECT h.id FROM {highs} h"  // that\n  " JOIN {lows} l ON TRUE";\n'})
        self.finds("{lows} belongs to low", {"services/high/a.cc": 'X k = R"(SELECT id FROM {lows})";\n'})
        self.finds("{lows} belongs to low", {"libs/host/a.cc": 'X k = "SELECT id FROM {lows}";\n'})
        # A part of a text that a macro assembles.
        self.finds("{lows} belongs to low", {"services/high/a.cc": '#define PART " JOIN {lows}"\n'})

    def test_a_foreign_table_in_migrations(self):
        self.finds("0002_more.sql:1: {lows} belongs to low", {"migrations/high/0002_more.sql": "DELETE FROM {lows};\n"})
        self.finds("{highs} belongs to high", {"migrations/low/0002_more.sql": "ALTER TABLE {lows} ADD FOREIGN KEY (id) REFERENCES {highs} (id);\n"})

    def test_a_foreign_function(self):
        function = {"migrations/low/0002_f.sql": "CREATE OR REPLACE FUNCTION {schema}.{~low_f}() RETURNS INT AS $f$ SELECT 1 $f$;\n"}
        self.finds("{low_f} belongs to low", {**function, "services/high/a.cc": 'X k = "SELECT {schema}.{~low_f}()";\n'})

    def test_names_that_nobody_can_check(self):
        self.finds("lows is named without its braces", {"services/low/a.cc": 'X k = "SELECT id FROM lows";\n'})
        self.finds("no service owns {lost}", {"services/low/a.cc": 'X k = "SELECT id FROM {lost}";\n'})
        self.finds("put together", {"services/low/a.cc": 'X k = StrCat("SELECT id FROM {", table, "}");\n'})

    def test_the_table_says_what_migrations_create(self):
        self.finds("low: more is not listed", {"migrations/low/0002_more.sql": "CREATE TABLE {more} (id INT);\n"})

    def test_crossings(self):
        code = {"services/high/a.cc": 'X k = "SELECT id FROM {lows}";\n'}
        crossing = {"files": "services/high/*.cc", "tables": ["lows"], "why": "since"}
        self.assertEqual(self.problems(code, [crossing]), [])
        self.finds("no reason", code, crossings=[{**crossing, "why": ""}])
        self.finds("does not name {lows}", {}, crossings=[crossing])


if __name__ == "__main__":
    unittest.main()
