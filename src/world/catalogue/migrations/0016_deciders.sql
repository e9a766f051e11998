-- The name of the person who signed in, if the identity provider gave one.
ALTER TABLE session ADD COLUMN person TEXT;
-- Of an accepted version: who accepted it, as JSON. Such a row has no decision.
ALTER TABLE decision_history ADD COLUMN acceptance TEXT;
