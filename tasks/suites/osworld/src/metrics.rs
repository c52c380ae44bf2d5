//! All evaluator functions that tasks may name: what each takes, and those that are computed here.

mod chrome;
mod desktop;
mod document;
mod json;
pub(crate) mod rule;
mod slides;
mod table;
mod text;
mod thunderbird;
mod vlc;

use crate::error::{EvaluatorError, EvaluatorErrorKind};
use crate::output::MetricInputs;

/// What a function has to be able to read, which is what decides whether it is computed natively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machinery {
    /// Text, JSON, YAML, settings, patterns, databases, XML, addresses.
    Text,
    /// Documents of Writer and Word.
    Documents,
    /// Workbooks.
    Workbooks,
    /// Presentations.
    Slides,
    /// Pictures.
    Pictures,
    /// PDF, and archives of what may be PDF.
    Pdf,
    /// Sound, films, reading of pictures, e-books, and programs that are run.
    Media,
}

impl Machinery {
    /// The tier of docs/osworld.md.
    pub fn tier(self) -> &'static str {
        match self {
            Machinery::Text => "T0",
            Machinery::Documents => "T1",
            Machinery::Workbooks => "T2",
            Machinery::Slides => "T3",
            Machinery::Pictures => "T4",
            Machinery::Pdf => "T5",
            Machinery::Media => "T6",
        }
    }

    fn needs(self) -> &'static str {
        match self {
            Machinery::Text => "text",
            Machinery::Documents => "it reads documents",
            Machinery::Workbooks => "it reads workbooks",
            Machinery::Slides => "it reads presentations",
            Machinery::Pictures => "it compares pictures",
            Machinery::Pdf => "it reads PDF",
            Machinery::Media => "it needs sound, films or programs",
        }
    }
}

type Compute = fn(&MetricInputs) -> Result<f64, EvaluatorErrorKind>;

/// An evaluator function.
pub struct MetricFunction {
    pub name: &'static str,
    pub machinery: Machinery,
    /// Names of its options.
    pub options: &'static [&'static str],
    compute: Option<Compute>,
}

impl MetricFunction {
    pub fn find(name: &str) -> Option<&'static MetricFunction> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    pub fn is_native(&self) -> bool {
        self.compute.is_some() || self.name == INFEASIBLE
    }

    /// The score, as upstream's function gives it.
    ///
    /// # Errors
    /// Where it raises, and where what it reads is damaged or without bounds; see docs/osworld.md.
    pub fn score(&self, inputs: &MetricInputs) -> Result<f64, EvaluatorError> {
        let named = |kind| EvaluatorError { function: self.name.to_owned(), kind };
        let compute =
            self.compute.ok_or_else(|| named(EvaluatorErrorKind::NotNative { needs: self.machinery.needs() }))?;
        compute(inputs).map_err(named)
    }
}

/// The function of tasks that cannot be done; it looks at how the run ended and at nothing else.
pub const INFEASIBLE: &str = "infeasible";

const fn native(name: &'static str, compute: Compute, options: &'static [&'static str]) -> MetricFunction {
    reads(name, Machinery::Text, compute, options)
}

const fn reads(
    name: &'static str,
    machinery: Machinery,
    compute: Compute,
    options: &'static [&'static str],
) -> MetricFunction {
    MetricFunction { name, machinery, options, compute: Some(compute) }
}

const fn other(name: &'static str, machinery: Machinery, options: &'static [&'static str]) -> MetricFunction {
    MetricFunction { name, machinery, options, compute: None }
}

const DOCUMENT_OPTIONS: &[&str] = &[
    "content_only",
    "delete_empty_lines",
    "fuzzy_match",
    "ignore_blanks",
    "ignore_case",
    "ignore_order",
    "reference_base_result",
];

const SLIDES_OPTIONS: &[&str] = &[
    "approximately_tolerance",
    "enable_debug",
    "examine_alignment",
    "examine_background_color",
    "examine_bullets",
    "examine_color_rgb",
    "examine_font_bold",
    "examine_font_italic",
    "examine_font_name",
    "examine_font_size",
    "examine_font_underline",
    "examine_image_size",
    "examine_indent",
    "examine_modify_height",
    "examine_note",
    "examine_number_of_slides",
    "examine_right_position",
    "examine_run_count",
    "examine_shape",
    "examine_shape_for_shift_size",
    "examine_shape_lenient_height",
    "examine_strike_through",
    "examine_table_bottom_position",
    "examine_text",
    "examine_title_bottom_position",
    "examine_top_position",
];

/// All functions, by name.
pub static FUNCTIONS: &[MetricFunction] = &[
    native("check_accessibility_tree", desktop::check_accessibility_tree, &["osname"]),
    native("check_auto_saving_time", desktop::check_auto_saving_time, &[]),
    other("check_brightness_decrease_and_structure_sim", Machinery::Pictures, &["threshold"]),
    native("check_config_status", desktop::check_config_status, &[]),
    other("check_contrast_increase_and_structure_sim", Machinery::Pictures, &[]),
    native("check_csv", text::check_csv, &[]),
    native("check_direct_json_object", json::check_direct_json_object, &[]),
    native("check_enabled_experiments", chrome::check_enabled_experiments, &[]),
    other("check_file_exists_and_structure_sim", Machinery::Pictures, &[]),
    native("check_font_size", chrome::check_font_size, &[]),
    native("check_global_key_play_pause", vlc::check_global_key_play_pause, &[]),
    native("check_gnome_favorite_apps", desktop::check_gnome_favorite_apps, &[]),
    other("check_green_background", Machinery::Pictures, &[]),
    reads("check_highlighted_words", Machinery::Documents, document::check_highlighted_words, DOCUMENT_OPTIONS),
    native("check_history_deleted", chrome::check_history_deleted, &[]),
    native("check_image_file_size", text::check_image_file_size, &[]),
    other("check_image_mirror", Machinery::Pictures, &[]),
    other("check_image_size", Machinery::Pictures, &[]),
    reads("check_image_stretch_and_center", Machinery::Slides, slides::check_image_stretch_and_center, &[]),
    native("check_include_exclude", text::check_include_exclude, &[]),
    reads("check_italic_font_size_14", Machinery::Documents, document::check_italic_font_size_14, &[]),
    native("check_json", json::check_json, &["is_yaml"]),
    native("check_json_keybindings", json::check_json_keybindings, &[]),
    native("check_json_settings", json::check_json_settings, &[]),
    native("check_left_panel", desktop::check_left_panel, &[]),
    native("check_line_number", text::check_line_number, &[]),
    native("check_list", text::check_list, &[]),
    native("check_moved_jpgs", desktop::check_moved_jpgs, &[]),
    other("check_mp3_meta", Machinery::Media, &[]),
    native("check_one_instance_when_started_from_file", vlc::check_one_instance_when_started_from_file, &[]),
    reads("check_page_number_colors", Machinery::Slides, slides::check_page_number_colors, &[]),
    other("check_palette_and_structure_sim", Machinery::Pictures, &[]),
    other("check_pdf_pages", Machinery::Pdf, &[]),
    native("check_play_and_exit", vlc::check_play_and_exit, &[]),
    native("check_presenter_console_disable", desktop::check_presenter_console_disable, &[]),
    other("check_python_file_by_test_suite", Machinery::Media, &["test_function_name"]),
    native("check_qt_bgcone", vlc::check_qt_bgcone, &[]),
    native("check_qt_max_volume", vlc::check_qt_max_volume, &[]),
    native("check_qt_minimal_view", vlc::check_qt_minimal_view, &[]),
    native("check_qt_slider_colours", vlc::check_qt_slider_colours, &[]),
    other("check_saturation_increase_and_structure_sim", Machinery::Pictures, &[]),
    reads("check_slide_orientation_Portrait", Machinery::Slides, slides::check_slide_orientation_Portrait, &[]),
    other("check_structure_sim", Machinery::Pictures, &[]),
    other("check_structure_sim_resized", Machinery::Pictures, &[]),
    other("check_structure_sim_with_threshold", Machinery::Pictures, &["ssim_threshold"]),
    reads("check_tabstops", Machinery::Documents, document::check_tabstops, &["index", "word_number_split_by_tabstop"]),
    other("check_textbox_on_leftside", Machinery::Pictures, &[]),
    native("check_thunderbird_filter", thunderbird::check_thunderbird_filter, &[]),
    native(
        "check_thunderbird_folder",
        thunderbird::check_thunderbird_folder,
        &["ignore_keys", "ignore_status", "remove_deleted", "remove_duplicate"],
    ),
    native("check_thunderbird_prefs", thunderbird::check_thunderbird_prefs, &[]),
    reads("check_transition", Machinery::Slides, slides::check_transition, &[]),
    other("check_triangle_position", Machinery::Pictures, &[]),
    other("compare_archive", Machinery::Pdf, &["file_path", "file_type"]),
    other("compare_audios", Machinery::Media, &[]),
    reads("compare_conference_city_in_order", Machinery::Workbooks, table::compare_conference_city_in_order, &[]),
    native("compare_config", text::compare_config, &["containment_ok"]),
    native("compare_csv", text::compare_csv, &["ignore_case", "strict"]),
    reads("compare_docx_files", Machinery::Documents, document::compare_docx_files, DOCUMENT_OPTIONS),
    reads(
        "compare_docx_files_and_ignore_new_lines",
        Machinery::Documents,
        document::compare_docx_files_and_ignore_new_lines,
        DOCUMENT_OPTIONS,
    ),
    reads("compare_docx_images", Machinery::Documents, document::compare_docx_images, &[]),
    reads("compare_docx_tables", Machinery::Documents, document::compare_docx_tables, &[]),
    other("compare_epub", Machinery::Media, &[]),
    reads("compare_font_names", Machinery::Documents, document::compare_font_names, &[]),
    other("compare_htmls", Machinery::Media, &["ignore_sdnum"]),
    other("compare_image_list", Machinery::Pictures, &[]),
    other("compare_image_text", Machinery::Media, &[]),
    other("compare_images", Machinery::Pictures, &["reference_base_result"]),
    reads("compare_line_spacing", Machinery::Documents, document::compare_line_spacing, DOCUMENT_OPTIONS),
    other("compare_pdf_images", Machinery::Pdf, &[]),
    other("compare_pdfs", Machinery::Pdf, &[]),
    reads("compare_pptx_files", Machinery::Slides, slides::comparison::compare_pptx_files, SLIDES_OPTIONS),
    native("compare_python_pure_text", text::compare_python_pure_text, &[]),
    reads("compare_references", Machinery::Documents, document::compare_references, DOCUMENT_OPTIONS),
    native("compare_result_files", text::compare_result_files, &[]),
    reads("compare_subscript_contains", Machinery::Documents, document::compare_subscript_contains, &[]),
    reads("compare_table", Machinery::Workbooks, table::compare_table, &["rules"]),
    native("compare_text_file", text::compare_text_file, &["ignore_blanks", "ignore_case"]),
    reads("compare_unique_train_records", Machinery::Documents, document::compare_unique_train_records, &[]),
    other("compare_videos", Machinery::Media, &["max_frames_to_check", "threshold"]),
    other("compare_zip_files", Machinery::Pdf, &[]),
    reads("contains_page_break", Machinery::Documents, document::contains_page_break, &[]),
    native("diff_text_file", text::diff_text_file, &[]),
    reads(
        "evaluate_colored_words_in_tables",
        Machinery::Documents,
        document::evaluate_colored_words_in_tables,
        DOCUMENT_OPTIONS,
    ),
    reads(
        "evaluate_presentation_fill_to_rgb_distance",
        Machinery::Slides,
        slides::evaluate_presentation_fill_to_rgb_distance,
        &[],
    ),
    reads(
        "evaluate_strike_through_last_paragraph",
        Machinery::Documents,
        document::evaluate_strike_through_last_paragraph,
        DOCUMENT_OPTIONS,
    ),
    native("exact_match", text::exact_match, &[]),
    native("file_contains", text::file_contains, &[]),
    native("find_default_font", desktop::find_default_font, &[]),
    native("fuzzy_match", text::fuzzy_match, &[]),
    reads("fuzzy_place_math", Machinery::Documents, document::fuzzy_place_math, &[]),
    reads("has_page_numbers_in_footers", Machinery::Documents, document::has_page_numbers_in_footers, &[]),
    other(INFEASIBLE, Machinery::Text, &[]),
    native("is_added_to_steam_cart", chrome::is_added_to_steam_cart, &[]),
    native("is_cookie_deleted", chrome::is_cookie_deleted, &[]),
    native("is_expected_active_tab", chrome::is_expected_active_tab, &[]),
    native("is_expected_active_tab_approximate", chrome::is_expected_active_tab_approximate, &[]),
    native("is_expected_bookmarks", chrome::is_expected_bookmarks, &[]),
    native("is_expected_installed_extensions", chrome::is_expected_installed_extensions, &[]),
    native("is_expected_search_query", chrome::is_expected_search_query, &[]),
    native("is_expected_tabs", chrome::is_expected_tabs, &[]),
    native("is_expected_url_pattern_match", chrome::is_expected_url_pattern_match, &[]),
    native("is_extension_installed", text::is_extension_installed, &[]),
    reads("is_first_line_centered", Machinery::Documents, document::is_first_line_centered, &[]),
    native("is_in_list", text::is_in_list, &[]),
    native("is_in_vm_clickboard", text::is_in_vm_clickboard, &[]),
    native("is_shortcut_on_desktop", chrome::is_shortcut_on_desktop, &[]),
    native("is_utc_0", desktop::is_utc_0, &[]),
    native("is_vlc_fullscreen", vlc::is_vlc_fullscreen, &[]),
    native("is_vlc_playing", vlc::is_vlc_playing, &[]),
    native("is_vlc_recordings_folder", vlc::is_vlc_recordings_folder, &[]),
    native("literal_match", text::literal_match, &["ignore_case", "type"]),
    native("match_in_list", text::match_in_list, &[]),
    native("run_sqlite3", desktop::run_sqlite3, &[]),
];
