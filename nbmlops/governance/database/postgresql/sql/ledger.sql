CREATE FUNCTION nbmlops.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
--
CREATE TRIGGER facts_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON nbmlops.facts
    FOR EACH STATEMENT EXECUTE FUNCTION nbmlops.refuse_change()
--
CREATE FUNCTION nbmlops.may_decide() RETURNS boolean LANGUAGE sql STABLE
    SET search_path = pg_catalog AS $$
    SELECT EXISTS (
        SELECT FROM pg_roles
        WHERE rolname = current_database() || '_review'
          AND pg_has_role(session_user, oid, 'MEMBER')
    )
$$
--
CREATE FUNCTION nbmlops.lock_head(OUT head_sequence bigint, OUT head_digest text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('nbmlops.facts'));
    SELECT sequence, digest INTO head_sequence, head_digest
        FROM nbmlops.facts ORDER BY sequence DESC LIMIT 1;
    IF NOT FOUND THEN
        head_sequence := 0;
        head_digest := repeat('0', 64);
    END IF;
END $$
