# What is wrong often enough to be said at every plan, and yet might be meant.

check "listeners_are_verified" {
  assert {
    condition     = var.unverified_triggers == "refuse"
    error_message = "unverified_triggers is allow: everybody who knows the URL can run the triggers that verify nothing."
  }
}

check "sweep_is_frequent_enough" {
  assert {
    condition     = !var.redeliver_enabled || var.redeliver.lookback_hours >= 2
    error_message = "redeliver.lookback_hours is below 2: an outage longer than that loses deliveries."
  }
}

check "tenants_are_kept_apart" {
  assert {
    condition     = !strcontains(var.secret_id_format, "{namespace}-{name}")
    error_message = "secret_id_format {namespace}-{name} makes the same id of team + a-hook and team-a + hook; {namespace}_{name} has one reading."
  }
}
