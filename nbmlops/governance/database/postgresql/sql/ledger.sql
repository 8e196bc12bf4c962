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
--
CREATE FUNCTION nbmlops.append_fact(new_sequence bigint, new_sealed bytea, new_digest text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    head record;
    entry jsonb := convert_from(new_sealed, 'UTF8')::jsonb;
BEGIN
    SELECT * INTO head FROM nbmlops.lock_head();
    IF new_sequence <> head.head_sequence + 1
        OR (entry->>'sequence')::bigint IS DISTINCT FROM new_sequence
        OR entry->>'previous' IS DISTINCT FROM head.head_digest
        OR new_digest !~ '^[0-9a-f]{64}$'
    THEN
        RAISE EXCEPTION 'fact % does not follow the ledger''s last one', new_sequence
            USING ERRCODE = 'serialization_failure';
    END IF;
    IF entry->'fact'->>'fact' NOT IN ('promoted', 'scheduled', 'executed', 'refused')
        AND NOT nbmlops.may_decide()
    THEN
        RAISE EXCEPTION '% may not put a decision (%) on the ledger',
            session_user, entry->'fact'->>'fact' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO nbmlops.facts (sequence, sealed, digest)
        VALUES (new_sequence, new_sealed, new_digest);
END $$
