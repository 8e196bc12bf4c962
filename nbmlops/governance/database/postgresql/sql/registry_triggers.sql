DROP TRIGGER IF EXISTS nbmlops_forget ON nbmlops.made
--
CREATE CONSTRAINT TRIGGER nbmlops_forget AFTER INSERT ON nbmlops.made
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nbmlops.forget()
--
CREATE OR REPLACE TRIGGER nbmlops_made AFTER INSERT ON public.registered_models
    FOR EACH ROW EXECUTE FUNCTION nbmlops.remember_model()
--
CREATE OR REPLACE TRIGGER nbmlops_made AFTER INSERT ON public.model_versions
    FOR EACH ROW EXECUTE FUNCTION nbmlops.remember_version()
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
