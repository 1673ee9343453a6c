"""A statement that fails on a full or failing disk is a 503, and its message is not exposed."""
import unittest

from integration import harness


class DiskErrors(harness.GatehouseTest):
    def test_a_server_whose_system_fails_is_not_available(self):
        for state, words in (("53100", "could not extend file: No space left on device"), ("58030", "could not fsync file: Input/output error")):
            self.gatehouse.sql("""CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%s' USING ERRCODE = '%s'; END $$;
                                  CREATE TRIGGER fail BEFORE INSERT ON emailpassword_users EXECUTE FUNCTION fail();""" % (words, state))
            reply = self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"})
            self.assertEqual((reply.status, "file" in reply.text), (503, False), (state, reply))
            self.gatehouse.sql("DROP TRIGGER fail ON emailpassword_users")
        self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))


if __name__ == "__main__":
    unittest.main()
