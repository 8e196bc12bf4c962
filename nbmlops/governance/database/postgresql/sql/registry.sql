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
CREATE OR REPLACE FUNCTION nbmlops.is_held(permit nbmlops.permits) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
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
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    granted bigint;
BEGIN
    IF NOT nbmlops.may_decide() THEN
        RAISE EXCEPTION '% may not permit a write to the registry', session_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM nbmlops.permits AS permit WHERE NOT nbmlops.is_held(permit);
    INSERT INTO nbmlops.permits (verb, model_name, subject, granted_by)
        VALUES (for_verb, for_model, for_subject, pg_backend_pid()) RETURNING id INTO granted;
    PERFORM pg_advisory_lock(hashtext('nbmlops.permits'), granted::integer);
    RETURN granted;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.take_back(permit bigint)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF pg_advisory_unlock(hashtext('nbmlops.permits'), permit::integer) THEN
        DELETE FROM nbmlops.permits WHERE id = permit AND granted_by = pg_backend_pid();
    END IF;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.use_permit(for_verb text, for_model text, for_subject text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- One permit, one write: so none lies about for whoever has the app role's password.
    DELETE FROM nbmlops.permits WHERE id = (
        SELECT id FROM nbmlops.permits AS permit
        WHERE verb = for_verb AND model_name = for_model AND subject = for_subject
          AND nbmlops.is_held(permit)
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    );
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the gate has not let % % of model % in', for_verb, for_subject, for_model
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.refuse(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the gate does not let anybody %', what USING ERRCODE = 'insufficient_privilege';
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.is_prompt(source text) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$ SELECT source IN ('dummy-source', 'prompt-template') $$
--
CREATE OR REPLACE FUNCTION nbmlops.holds_models(model_name text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_catalog AS $$
    SELECT EXISTS (
        SELECT FROM model_versions
        WHERE name = model_name AND NOT nbmlops.is_prompt(source)
          AND current_stage IS DISTINCT FROM 'Deleted_Internal'
    )
$$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_model() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- Deferred to the commit, when a prompt carries its tag; its versions are guarded anyway.
        IF EXISTS (SELECT FROM registered_models WHERE name = NEW.name)
            AND NOT EXISTS (SELECT FROM registered_model_tags
                            WHERE name = NEW.name AND key = 'mlflow.prompt.is_prompt'
                              AND lower(value) = 'true')
        THEN
            PERFORM nbmlops.use_permit('model', NEW.name, NEW.name);
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF (NEW.name, NEW.workspace) IS DISTINCT FROM (OLD.name, OLD.workspace) THEN
            PERFORM nbmlops.refuse('rename a model');
        END IF;
    ELSIF nbmlops.holds_models(OLD.name) THEN
        PERFORM nbmlops.refuse('delete a registered model');
    END IF;
    RETURN NULL;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_version() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF nbmlops.is_prompt(NEW.source) AND nbmlops.is_prompt(NEW.storage_location) THEN
            IF nbmlops.holds_models(NEW.name) THEN
                PERFORM nbmlops.refuse('put a prompt among the versions of a model');
            END IF;
        ELSIF NEW.source IS DISTINCT FROM NEW.storage_location THEN
            PERFORM nbmlops.refuse('register a version that is kept elsewhere than it says');
        ELSE
            PERFORM nbmlops.use_permit('version', NEW.name, NEW.source);
        END IF;
        RETURN NEW;
    END IF;
    IF nbmlops.is_prompt(OLD.source) THEN
        IF TG_OP = 'UPDATE' AND NEW.current_stage IS DISTINCT FROM 'Deleted_Internal'
            AND (NEW.source, NEW.storage_location)
                IS DISTINCT FROM (OLD.source, OLD.storage_location)
        THEN
            PERFORM nbmlops.refuse('turn a prompt into a model');
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.current_stage IS DISTINCT FROM 'Deleted_Internal' THEN
            PERFORM nbmlops.refuse('delete a registered version');
        END IF;
    ELSIF (NEW.name, NEW.version, NEW.workspace, NEW.source, NEW.storage_location, NEW.run_id,
           NEW.current_stage, NEW.status)
        IS DISTINCT FROM
          (OLD.name, OLD.version, OLD.workspace, OLD.source, OLD.storage_location, OLD.run_id,
           OLD.current_stage, OLD.status)
    THEN
        PERFORM nbmlops.refuse('change a registered version');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_alias() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_catalog AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND nbmlops.holds_models(OLD.name)
        AND (TG_OP = 'DELETE' OR (NEW.name, NEW.alias) IS DISTINCT FROM (OLD.name, OLD.alias))
    THEN
        PERFORM nbmlops.use_permit('unalias', OLD.name, OLD.alias);
    END IF;
    IF TG_OP <> 'DELETE' AND nbmlops.holds_models(NEW.name) THEN
        PERFORM nbmlops.use_permit('alias', NEW.name, NEW.alias || '@' || NEW.version);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_model_tag() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_catalog AS $$
BEGIN
    IF (TG_OP <> 'INSERT' AND starts_with(OLD.key, 'nbmlops.'))
        OR (TG_OP <> 'DELETE' AND starts_with(NEW.key, 'nbmlops.'))
    THEN
        PERFORM nbmlops.refuse('write tags that begin with nbmlops.');
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.key = 'mlflow.prompt.is_prompt'
        AND nbmlops.holds_models(NEW.name)
    THEN
        PERFORM nbmlops.refuse('call a model a prompt');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_prompt() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_catalog AS $$
BEGIN
    -- Deferred to the commit: a prompt that is deleted whole is gone by then, name and tag.
    IF OLD.key = 'mlflow.prompt.is_prompt' AND lower(OLD.value) = 'true'
        AND EXISTS (SELECT FROM registered_models
                    WHERE name = OLD.name AND workspace = OLD.workspace)
        AND NOT EXISTS (SELECT FROM registered_model_tags
                        WHERE name = OLD.name AND workspace = OLD.workspace
                          AND key = OLD.key AND lower(value) = 'true')
    THEN
        PERFORM nbmlops.refuse('turn a prompt into a model');
    END IF;
    RETURN NULL;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_version_tag() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_catalog AS $$
DECLARE
    own boolean := false;
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- The tags of a version come in the transaction that creates it, which had its permit.
        SELECT xmin::text = (txid_current() % (2::bigint ^ 32)::bigint)::text
            AND NOT nbmlops.is_prompt(source) INTO own
            FROM model_versions
            WHERE name = NEW.name AND version = NEW.version AND workspace = NEW.workspace;
    END IF;
    IF NOT coalesce(own, false) AND (
        (TG_OP <> 'INSERT' AND starts_with(OLD.key, 'nbmlops.'))
        OR (TG_OP <> 'DELETE' AND starts_with(NEW.key, 'nbmlops.')))
    THEN
        PERFORM nbmlops.refuse('write tags that begin with nbmlops.');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nbmlops.refuse('write the table ' || TG_TABLE_NAME);
    RETURN NULL;
END $$
--
DROP TRIGGER IF EXISTS nbmlops_guard ON public.registered_models
--
CREATE CONSTRAINT TRIGGER nbmlops_guard AFTER INSERT OR UPDATE OR DELETE ON public.registered_models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_model()
--
CREATE OR REPLACE TRIGGER nbmlops_guard BEFORE INSERT OR UPDATE OR DELETE ON public.model_versions
    FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_version()
--
CREATE OR REPLACE TRIGGER nbmlops_guard BEFORE INSERT OR UPDATE OR DELETE
    ON public.registered_model_aliases FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_alias()
--
CREATE OR REPLACE TRIGGER nbmlops_guard BEFORE INSERT OR UPDATE OR DELETE
    ON public.registered_model_tags FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_model_tag()
--
DROP TRIGGER IF EXISTS nbmlops_prompt ON public.registered_model_tags
--
CREATE CONSTRAINT TRIGGER nbmlops_prompt AFTER UPDATE OR DELETE ON public.registered_model_tags
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_prompt()
--
CREATE OR REPLACE TRIGGER nbmlops_guard BEFORE INSERT OR UPDATE OR DELETE
    ON public.model_version_tags FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_version_tag()
--
CREATE OR REPLACE TRIGGER nbmlops_closed BEFORE INSERT OR UPDATE ON public.webhooks
    FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_closed()
--
CREATE OR REPLACE TRIGGER nbmlops_closed BEFORE UPDATE OR DELETE ON public.workspaces
    FOR EACH ROW EXECUTE FUNCTION nbmlops.guard_closed()
