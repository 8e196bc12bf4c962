CREATE TABLE IF NOT EXISTS nbmlops.made (
    name text NOT NULL,
    workspace text NOT NULL,
    version integer
)
--
CREATE OR REPLACE FUNCTION nbmlops.forget() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Deferred to the commit: a row stands only while its own transaction lasts, and no other
    -- ever sees it. A row's xmin would not do, for an update of what stands there sets it too.
    DELETE FROM nbmlops.made
        WHERE name = NEW.name AND workspace = NEW.workspace
          AND version IS NOT DISTINCT FROM NEW.version;
    RETURN NULL;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.remember_model() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO nbmlops.made (name, workspace) VALUES (NEW.name, NEW.workspace);
    RETURN NULL;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.remember_version() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO nbmlops.made (name, workspace, version)
        VALUES (NEW.name, NEW.workspace, NEW.version);
    RETURN NULL;
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
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM model_versions
        WHERE name = model_name AND NOT nbmlops.is_prompt(source)
          AND current_stage IS DISTINCT FROM 'Deleted_Internal'
    )
$$
--
CREATE OR REPLACE FUNCTION nbmlops.names_prompt(model_name text, model_workspace text)
    RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    -- Only who makes a name says so, and it stays: what is no prompt's is a model's from the start.
    SELECT EXISTS (
        SELECT FROM registered_model_tags
        WHERE name = model_name AND workspace = model_workspace
          AND key = 'mlflow.prompt.is_prompt' AND lower(value) = 'true'
    )
$$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_model() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- Deferred to the commit, when a prompt carries its tag; its versions are guarded anyway.
        IF EXISTS (SELECT FROM registered_models
                   WHERE name = NEW.name AND workspace = NEW.workspace)
            AND NOT nbmlops.names_prompt(NEW.name, NEW.workspace)
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
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF nbmlops.is_prompt(NEW.source) AND nbmlops.is_prompt(NEW.storage_location) THEN
            IF nbmlops.holds_models(NEW.name)
                OR NOT nbmlops.names_prompt(NEW.name, NEW.workspace)
            THEN
                PERFORM nbmlops.refuse('put a prompt among the versions of a model');
            END IF;
        ELSIF nbmlops.names_prompt(NEW.name, NEW.workspace) THEN
            PERFORM nbmlops.refuse('put a model among the versions of a prompt');
        ELSIF NEW.source IS DISTINCT FROM NEW.storage_location THEN
            PERFORM nbmlops.refuse('register a version that is kept elsewhere than it says');
        ELSE
            PERFORM nbmlops.use_permit('version', NEW.name, NEW.source);
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.name, NEW.version, NEW.workspace)
        IS DISTINCT FROM (OLD.name, OLD.version, OLD.workspace)
    THEN
        PERFORM nbmlops.refuse('move a version to another place');
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
    ELSIF (NEW.source, NEW.storage_location, NEW.run_id, NEW.run_link, NEW.user_id,
           NEW.creation_time, NEW.current_stage, NEW.status)
        IS DISTINCT FROM
          (OLD.source, OLD.storage_location, OLD.run_id, OLD.run_link, OLD.user_id,
           OLD.creation_time, OLD.current_stage, OLD.status)
    THEN
        PERFORM nbmlops.refuse('change a registered version');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_alias() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND nbmlops.holds_models(OLD.name)
        AND (TG_OP = 'DELETE' OR (NEW.name, NEW.alias) IS DISTINCT FROM (OLD.name, OLD.alias))
    THEN
        PERFORM nbmlops.use_permit('unalias', OLD.name, OLD.alias);
    END IF;
    -- A model's alias needs its permit before the version is there, too: it would stand on it then.
    IF TG_OP <> 'DELETE' AND (nbmlops.holds_models(NEW.name)
                              OR NOT nbmlops.names_prompt(NEW.name, NEW.workspace))
    THEN
        PERFORM nbmlops.use_permit('alias', NEW.name, NEW.alias || '@' || NEW.version);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_model_tag() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (TG_OP <> 'INSERT' AND starts_with(OLD.key, 'nbmlops.'))
        OR (TG_OP <> 'DELETE' AND starts_with(NEW.key, 'nbmlops.'))
    THEN
        PERFORM nbmlops.refuse('write tags that begin with nbmlops.');
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.key = 'mlflow.prompt.is_prompt'
        AND (TG_OP = 'INSERT' OR (NEW.name, NEW.workspace, NEW.key, lower(NEW.value))
             IS DISTINCT FROM (OLD.name, OLD.workspace, OLD.key, lower(OLD.value)))
        AND NOT EXISTS (SELECT FROM nbmlops.made
                        WHERE name = NEW.name AND workspace = NEW.workspace AND version IS NULL)
    THEN
        PERFORM nbmlops.refuse('call a model a prompt');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_prompt() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- Deferred to the commit: a prompt that is deleted whole is gone by then, name and tag.
    IF OLD.key = 'mlflow.prompt.is_prompt' AND lower(OLD.value) = 'true'
        AND EXISTS (SELECT FROM registered_models
                    WHERE name = OLD.name AND workspace = OLD.workspace)
        AND NOT nbmlops.names_prompt(OLD.name, OLD.workspace)
    THEN
        PERFORM nbmlops.refuse('turn a prompt into a model');
    END IF;
    RETURN NULL;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_version_tag() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    own boolean := false;
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- The tags of a version come in the transaction that creates it, which had its permit.
        own := NOT nbmlops.names_prompt(NEW.name, NEW.workspace) AND EXISTS (
            SELECT FROM nbmlops.made
            WHERE name = NEW.name AND workspace = NEW.workspace AND version = NEW.version);
    END IF;
    IF NOT own AND (
        (TG_OP <> 'INSERT' AND starts_with(OLD.key, 'nbmlops.'))
        OR (TG_OP <> 'DELETE' AND starts_with(NEW.key, 'nbmlops.')))
    THEN
        PERFORM nbmlops.refuse('write tags that begin with nbmlops.');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
--
CREATE OR REPLACE FUNCTION nbmlops.guard_closed() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM nbmlops.refuse('write the table ' || TG_TABLE_NAME);
    RETURN NULL;
END $$
