CREATE OR REPLACE FUNCTION nbmlops.append_fact(
    new_sequence bigint, new_sealed bytea, new_digest text
)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head record;
    entry jsonb;
BEGIN
    -- Nothing else can tell here whether a fact is true, or can be read at all.
    IF NOT nbmlops.may_decide() THEN
        RAISE EXCEPTION '% may not write to the ledger', session_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    entry := convert_from(new_sealed, 'UTF8')::jsonb;
    SELECT * INTO head FROM nbmlops.lock_head();
    IF new_sequence <> head.head_sequence + 1
        OR (entry->>'sequence')::bigint IS DISTINCT FROM new_sequence
        OR entry->>'previous' IS DISTINCT FROM head.head_digest
        OR new_digest !~ '^[0-9a-f]{64}$'
    THEN
        RAISE EXCEPTION 'fact % does not follow the ledger''s last one', new_sequence
            USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO nbmlops.facts (sequence, sealed, digest)
        VALUES (new_sequence, new_sealed, new_digest);
END $$
