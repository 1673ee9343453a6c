"""The check of both generations of tables finds what it is there for, in trees of a few lines."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import both_generations  # noqa: E402

REGISTRY = '"UPDATE {app_id_to_user_id} SET"\n  " a = 1"'
OLD = '"UPDATE {all_auth_recipe_users} SET a = 1"'


class BothGenerations(unittest.TestCase):
    def problems(self, code, path="services/users/a.cc"):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(code)
            return both_generations.check(root)

    def finds(self, text, code):
        found = self.problems(code)
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_a_tree_in_order(self):
        self.assertEqual(self.problems('constexpr RegistryWrite kA = RegistryWrite::ThenOldTables(\n  {"a", %s},\n  {"b", %s});\n' % (REGISTRY, OLD)), [])
        self.assertEqual(self.problems('constexpr RegistryWrite kA = RegistryWrite::NothingInOldTables(\n  {"a", %s});\n' % REGISTRY), [])
        self.assertEqual(self.problems('#define SQL %s\n#define BOTH SQL \\\n  %s\nconstexpr SingleRegistryWrite kA = {{"a", SQL},\n  {"b", BOTH}};\n' % (REGISTRY.replace("\n", "\\\n"), OLD)), [])
        # Who reads the registry, or locks its rows, writes nothing.
        self.assertEqual(self.problems('constexpr db::Statement kA = {"a", "SELECT 1 FROM {app_id_to_user_id} FOR UPDATE"};\n'), [])
        self.assertEqual(self.problems('constexpr db::Statement kA = {"a", %s};\n' % OLD, "services/users/backfill/a.cc"), [])

    def test_a_write_that_forgets_the_old_tables(self):
        self.finds("a.cc:2: writes the registry, and is no RegistryWrite", '// 1\nconstexpr db::Statement kA = {"a", %s};\n' % REGISTRY)
        self.finds("writes the registry", 'absl::Status F() { return Execute(%s); }\n' % REGISTRY)
        self.finds("names no old table", 'constexpr RegistryWrite kA = RegistryWrite::ThenOldTables({"a", %s}, {});\n' % REGISTRY)
        self.finds("SQL is used", '#define REGISTER_SQL "DELETE FROM {recipe_user_tenants}"\nconstexpr db::Statement kA = {"a", REGISTER_SQL};\n')

    def test_old_tables_elsewhere(self):
        self.finds("names an old table", 'constexpr db::Statement kA = {"a", "SELECT 1 FROM {thirdparty_user_to_tenant}"};\n')
        self.finds("says there is nothing", 'constexpr RegistryWrite kA = RegistryWrite::NothingInOldTables({"a",\n %s});\n' % OLD)

    def test_the_mode_elsewhere(self):
        self.finds("kDualWriteReadNew", "bool both = mode == kDualWriteReadNew;\n")


if __name__ == "__main__":
    unittest.main()
