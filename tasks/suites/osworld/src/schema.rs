//! The words of task files: which keys there are, which steps of set-up, which getters, and what each takes.

/// What may stand under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Texts,
    /// A text, or a list of texts.
    TextOrTexts,
    /// A truth value, or a text that upstream takes for one.
    Flag,
    Number,
    List,
    Object,
    ObjectOrList,
    Any,
}

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Shape::Text => "a text",
            Shape::Texts => "a list of texts",
            Shape::TextOrTexts => "a text or a list of texts",
            Shape::Flag => "true or false",
            Shape::Number => "a number",
            Shape::List => "a list",
            Shape::Object => "an object",
            Shape::ObjectOrList => "an object or a list",
            Shape::Any => "a value",
        }
    }
}

/// A key: its name, whether it has to be there, and its shape.
pub type Key = (&'static str, bool, Shape);

const MUST: bool = true;
const MAY: bool = false;

/// The keys of a task.
pub const TASK: &[Key] = &[
    ("id", MUST, Shape::Text),
    ("instruction", MUST, Shape::Text),
    ("evaluator", MUST, Shape::Object),
    ("config", MAY, Shape::List),
    ("snapshot", MAY, Shape::Text),
    ("source", MAY, Shape::TextOrTexts),
    ("trajectory", MAY, Shape::Text),
    ("related_apps", MAY, Shape::Texts),
    ("proxy", MAY, Shape::Flag),
    ("fixed_ip", MAY, Shape::Flag),
    ("possibility_of_env_change", MAY, Shape::Text),
    ("env_may_change", MAY, Shape::Flag),
    ("hint", MAY, Shape::TextOrTexts),
];

/// The keys of an evaluator.
pub const EVALUATOR: &[Key] = &[
    ("func", MUST, Shape::TextOrTexts),
    ("result", MAY, Shape::ObjectOrList),
    ("expected", MAY, Shape::ObjectOrList),
    ("options", MAY, Shape::ObjectOrList),
    ("postconfig", MAY, Shape::List),
    ("conj", MAY, Shape::Text),
];

/// The keys of a step.
pub const STEP: &[Key] = &[("type", MUST, Shape::Text), ("parameters", MUST, Shape::Object)];

const COMMAND: &[Key] = &[
    ("command", MUST, Shape::TextOrTexts),
    ("shell", MAY, Shape::Flag),
    ("stdout", MAY, Shape::Text),
    ("stderr", MAY, Shape::Text),
    ("until", MAY, Shape::Object),
];

const WINDOW: &[Key] =
    &[("window_name", MUST, Shape::Text), ("strict", MAY, Shape::Flag), ("by_class", MAY, Shape::Flag)];

/// The verbs of set-up and of what is done before scoring, with their parameters.
pub const VERBS: &[(&str, &[Key])] = &[
    ("activate_window", WINDOW),
    ("act", &[("action_list", MUST, Shape::List)]),
    ("change_wallpaper", &[("path", MUST, Shape::Text)]),
    ("chrome_close_tabs", &[("urls_to_close", MUST, Shape::Texts)]),
    ("chrome_open_tabs", &[("urls_to_open", MUST, Shape::Texts)]),
    ("close_window", WINDOW),
    ("command", COMMAND),
    ("download", &[("files", MUST, Shape::List)]),
    ("execute", COMMAND),
    (
        "execute_with_verification",
        &[
            ("command", MUST, Shape::TextOrTexts),
            ("verification", MAY, Shape::Object),
            ("max_wait_time", MAY, Shape::Number),
            ("check_interval", MAY, Shape::Number),
            ("shell", MAY, Shape::Flag),
        ],
    ),
    (
        "googledrive",
        &[("settings_file", MUST, Shape::Text), ("operation", MUST, Shape::Texts), ("args", MUST, Shape::List)],
    ),
    ("launch", &[("command", MUST, Shape::TextOrTexts), ("shell", MAY, Shape::Flag)]),
    ("login", &[("settings_file", MUST, Shape::Text), ("platform", MUST, Shape::Text)]),
    ("open", &[("path", MUST, Shape::Text)]),
    ("replay", &[("trajectory", MUST, Shape::Text)]),
    ("sleep", &[("seconds", MUST, Shape::Number)]),
    ("tidy_desktop", &[]),
    ("update_browse_history", &[("history", MUST, Shape::List)]),
    ("upload_file", &[("files", MUST, Shape::List)]),
];

/// The keys of what stands in lists of steps.
pub const FILE: &[Key] = &[("url", MUST, Shape::Text), ("path", MUST, Shape::Text)];
pub const LOCAL_FILE: &[Key] = &[("local_path", MUST, Shape::Text), ("path", MUST, Shape::Text)];
pub const VISIT: &[Key] = &[
    ("url", MUST, Shape::Text),
    ("title", MUST, Shape::Text),
    ("visit_time_from_now_in_seconds", MUST, Shape::Number),
];
pub const UNTIL: &[Key] =
    &[("returncode", MAY, Shape::Number), ("stdout", MAY, Shape::Text), ("stderr", MAY, Shape::Text)];

const NO_KEYS: &[Key] = &[];
const DEST: &[Key] = &[("dest", MUST, Shape::Text)];
const FILES: &[Key] = &[
    ("path", MUST, Shape::TextOrTexts),
    ("dest", MUST, Shape::TextOrTexts),
    ("multi", MAY, Shape::Flag),
    ("gives", MAY, Shape::List),
    ("time_suffix", MAY, Shape::Flag),
    ("time_format", MAY, Shape::Text),
];
const SHELL: &[Key] = &[("command", MUST, Shape::TextOrTexts), ("shell", MAY, Shape::Flag)];
const PREFIX: &[Key] =
    &[("goto_prefix", MAY, Shape::Text), ("xpath", MAY, Shape::Text), ("selectors", MAY, Shape::Texts)];
const SLIDE: &[Key] =
    &[("ppt_file_path", MUST, Shape::Text), ("slide_index", MUST, Shape::Number), ("dest", MUST, Shape::Text)];
const RULES: &[Key] = &[("rules", MUST, Shape::ObjectOrList)];

/// The getters, with their keys beside `type`.
pub const GETTERS: &[(&str, &[Key])] = &[
    ("accessibility_tree", NO_KEYS),
    (
        "active_tab_html_parse",
        &[
            ("goto_prefix", MAY, Shape::Text),
            ("category", MUST, Shape::Text),
            ("class_multiObject", MAY, Shape::Object),
            ("class_multiObject_child", MAY, Shape::Object),
            ("class_multiObject_li", MAY, Shape::Object),
            ("class_multiObject_only_child", MAY, Shape::Object),
            ("class_multiObject_search_exist", MAY, Shape::Object),
            ("class_singleObject", MAY, Shape::Object),
            ("inputObject", MAY, Shape::Object),
            ("labelObject", MAY, Shape::Object),
            ("url_include_expected", MAY, Shape::Texts),
            ("url_include_expected_multichoice", MAY, Shape::Object),
            ("xpathObject", MAY, Shape::Object),
        ],
    ),
    ("active_tab_info", PREFIX),
    (
        "active_tab_url_parse",
        &[
            ("goto_prefix", MAY, Shape::Text),
            ("parse_keys", MUST, Shape::Texts),
            ("replace", MAY, Shape::Object),
            ("split_list", MAY, Shape::Flag),
        ],
    ),
    ("active_url_from_accessTree", PREFIX),
    ("audio_in_slide", SLIDE),
    ("background_image_in_slide", SLIDE),
    ("bookmarks", NO_KEYS),
    ("cache_file", &[("path", MUST, Shape::Text)]),
    ("chrome_appearance_mode_ui", NO_KEYS),
    ("chrome_font_size", NO_KEYS),
    ("chrome_language", NO_KEYS),
    ("cloud_file", FILES),
    (
        "content_from_vm_file",
        &[("path", MUST, Shape::Text), ("file_type", MUST, Shape::Text), ("file_content", MUST, Shape::Text)],
    ),
    ("cookie_data", DEST),
    ("data_delete_automacally", NO_KEYS),
    ("default_search_engine", NO_KEYS),
    ("default_video_player", NO_KEYS),
    ("enable_do_not_track", NO_KEYS),
    ("enable_enhanced_safety_browsing", NO_KEYS),
    ("enable_safe_browsing", NO_KEYS),
    ("enabled_experiments", NO_KEYS),
    ("find_installed_extension_name", NO_KEYS),
    ("find_unpacked_extension_path", NO_KEYS),
    ("gimp_config_file", &[("file_name", MUST, Shape::Text), ("dest", MUST, Shape::Text)]),
    (
        "googledrive_file",
        &[
            ("settings_file", MUST, Shape::Text),
            ("dest", MUST, Shape::TextOrTexts),
            ("path", MAY, Shape::List),
            ("path_list", MAY, Shape::List),
            ("query", MAY, Shape::List),
            ("query_list", MAY, Shape::List),
        ],
    ),
    (
        "gotoRecreationPage_and_get_html_content",
        &[("selector", MUST, Shape::Text), ("class", MUST, Shape::Text), ("order", MAY, Shape::Text)],
    ),
    ("history", DEST),
    ("info_from_website", &[("url", MUST, Shape::Text), ("infos", MUST, Shape::List), ("backups", MAY, Shape::List)]),
    ("list_directory", &[("path", MUST, Shape::Text)]),
    ("new_startup_page", NO_KEYS),
    ("open_tabs_info", NO_KEYS),
    ("page_info", &[("url", MUST, Shape::Text)]),
    ("pdf_from_url", &[("path", MUST, Shape::Text), ("dest", MUST, Shape::Text)]),
    ("profile_name", NO_KEYS),
    ("rule", RULES),
    ("rule_relativeTime", RULES),
    ("shortcuts_on_desktop", NO_KEYS),
    (
        "url_dashPart",
        &[
            ("goto_prefix", MAY, Shape::Text),
            ("partIndex", MUST, Shape::Number),
            ("needDeleteId", MAY, Shape::Flag),
            ("returnType", MUST, Shape::Text),
            ("key", MAY, Shape::Text),
        ],
    ),
    ("url_path_parse", &[("goto_prefix", MAY, Shape::Text), ("parse_keys", MUST, Shape::Texts)]),
    ("vlc_config", DEST),
    ("vlc_playing_info", DEST),
    ("vm_command_error", SHELL),
    ("vm_command_line", SHELL),
    ("vm_file", FILES),
    ("vm_screen_size", NO_KEYS),
    ("vm_terminal_output", NO_KEYS),
    ("vm_wallpaper", DEST),
    ("vm_window_size", &[("app_class_name", MUST, Shape::Text)]),
    (
        "vscode_config",
        &[("vscode_extension_command", MUST, Shape::Text), ("path", MUST, Shape::Text), ("dest", MUST, Shape::Text)],
    ),
];

const EXPECTED: &[(&str, Shape)] = &[("expected", Shape::Any)];
const EXPECTED_TEXT: &[(&str, Shape)] = &[("expected", Shape::Text)];
const EXPECTED_LIST: &[(&str, Shape)] = &[("expected", Shape::List)];
const EXPECTED_OBJECT: &[(&str, Shape)] = &[("expected", Shape::Object)];
const ADDRESS: &[(&str, Shape)] = &[("type", Shape::Text), ("url", Shape::Text)];
const FONT: &[(&str, Shape)] = &[("font_name", Shape::Text)];

/// What a function's `rules` have to say; without it there is no score, or one that says nothing. They may say more.
pub const RULE_KEYS: &[(&str, &[(&str, Shape)])] = &[
    ("check_direct_json_object", EXPECTED_OBJECT),
    ("check_font_size", &[("type", Shape::Text)]),
    ("check_gnome_favorite_apps", EXPECTED_LIST),
    ("check_history_deleted", &[("type", Shape::Text), ("keywords", Shape::List)]),
    ("check_image_file_size", &[("max_size", Shape::Number)]),
    ("check_json_keybindings", EXPECTED_OBJECT),
    ("check_json_settings", EXPECTED_OBJECT),
    ("check_line_number", EXPECTED),
    ("check_moved_jpgs", EXPECTED_LIST),
    ("check_transition", &[("slide_idx", Shape::Number), ("transition_type", Shape::Text)]),
    ("compare_conference_city_in_order", EXPECTED_LIST),
    ("compare_config", EXPECTED_TEXT),
    ("compare_font_names", FONT),
    ("exact_match", EXPECTED),
    ("file_contains", EXPECTED_LIST),
    ("find_default_font", FONT),
    ("fuzzy_match", EXPECTED_TEXT),
    ("fuzzy_place_math", EXPECTED_LIST),
    ("is_added_to_steam_cart", &[("items", Shape::List)]),
    ("is_cookie_deleted", &[("type", Shape::Text), ("domains", Shape::List)]),
    ("is_expected_active_tab", ADDRESS),
    ("is_expected_active_tab_approximate", ADDRESS),
    ("is_expected_bookmarks", &[("type", Shape::Text)]),
    ("is_expected_installed_extensions", EXPECTED_LIST),
    ("is_expected_search_query", &[("expect", Shape::Object)]),
    ("is_expected_tabs", &[("type", Shape::Text), ("urls", Shape::List)]),
    ("is_expected_url_pattern_match", EXPECTED_LIST),
    ("is_extension_installed", &[("type", Shape::Text), ("expected", Shape::Any)]),
    ("is_in_list", EXPECTED),
    ("is_shortcut_on_desktop", &[("type", Shape::Text)]),
    ("is_vlc_playing", &[("type", Shape::Text)]),
    ("match_in_list", EXPECTED_LIST),
    ("run_sqlite3", &[("sql", Shape::Text)]),
];

/// Functions whose rules say what has to be, what must not be, or both. One that says neither passes whatever is there.
pub const RULE_PAIRS: &[(&str, [&str; 2])] = &[
    ("check_csv", ["expect", "unexpect"]),
    ("check_include_exclude", ["include", "exclude"]),
    ("check_json", ["expect", "unexpect"]),
    ("check_list", ["expect", "unexpect"]),
    ("check_thunderbird_filter", ["expect", "unexpect"]),
    ("check_thunderbird_prefs", ["expect", "unexpect"]),
];

/// The longest sleep of a step, in seconds.
pub const SLEEP_MAX: f64 = 3600.0;
