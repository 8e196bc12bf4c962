CREATE TABLE IF NOT EXISTS nbmlops.permits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verb text NOT NULL CHECK (verb IN ('model', 'version', 'alias', 'unalias')),
    model_name text NOT NULL,
    subject text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
--
ALTER TABLE nbmlops.permits ADD COLUMN IF NOT EXISTS granted_by integer
--
ALTER TABLE nbmlops.permits
    ADD COLUMN IF NOT EXISTS secret text NOT NULL DEFAULT gen_random_uuid()::text
--
CREATE OR REPLACE FUNCTION nbmlops.is_held(permit nbmlops.permits) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- A permit lives no longer than the session that granted it, however that one ended.
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND classid = hashtext('nbmlops.permits')::oid AND objid = (permit).id::integer::oid
          AND pid = (permit).granted_by
    )
$$
--
DROP FUNCTION IF EXISTS nbmlops.permit(text, text, text)
--
CREATE FUNCTION nbmlops.permit(for_verb text, for_model text, for_subject text)
    RETURNS TABLE (granted bigint, shown text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT nbmlops.may_decide() THEN
        RAISE EXCEPTION '% may not permit a write to the registry', session_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM nbmlops.permits AS permit WHERE NOT nbmlops.is_held(permit);
    INSERT INTO nbmlops.permits (verb, model_name, subject, granted_by)
        VALUES (for_verb, for_model, for_subject, pg_backend_pid())
        RETURNING id, secret INTO granted, shown;
    PERFORM pg_advisory_lock(hashtext('nbmlops.permits'), granted::integer);
    RETURN NEXT;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.take_back(permit bigint)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_advisory_unlock(hashtext('nbmlops.permits'), permit::integer) THEN
        DELETE FROM nbmlops.permits WHERE id = permit AND granted_by = pg_backend_pid();
    END IF;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.use_permit(for_verb text, for_model text, for_subject text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- One permit, one write, by whoever shows its secret: so whoever has the app role's password
    -- finds none that lies about, and takes none from the server's hand.
    DELETE FROM nbmlops.permits WHERE id = (
        SELECT id FROM nbmlops.permits AS permit
        WHERE verb = for_verb AND model_name = for_model AND subject = for_subject
          AND secret = current_setting('nbmlops.permit', true) AND nbmlops.is_held(permit)
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    );
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the gate has not let % % of model % in', for_verb, for_subject, for_model
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$
